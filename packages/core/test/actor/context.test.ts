import { actor, type BareContext, genServer, type Pid } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { startManualNode } from '../fixtures/manual-node.ts'

const recorder = genServer({
  name: 'recorder',
  mailbox: { max: 8 },
  init: () => [] as unknown[],
  call: { seen: (ctx) => ctx.state },
  cast: { note: (ctx, what: string) => void ctx.state.push(what) },
  info: (ctx, message) => void ctx.state.push(message),
})

// Nobody copies or freezes here, as in production: there an actor that is written to again and again needs no look-up.
async function startWriter() {
  const manual = await startManualNode()
  let lent: BareContext | undefined
  const writer = actor({
    name: 'writer',
    run(own) {
      lent = own
      own.trapExit = true
      return new Promise<void>(() => undefined)
    },
  })
  await manual.settled(manual.node.start(writer, []))
  const ctx = lent as unknown as BareContext
  const start = () => manual.settled(ctx.start(recorder, []))
  const seen = (pid: Pid<{ call: { seen(): unknown[] } }>) => manual.settled(ctx.call(pid, 'seen', []))
  return { ...manual, ctx, start, seen }
}

describe('an actor that writes to the same one again and again', () => {
  it('has its messages and casts handled in the order in which it sent them, by each of those that it writes to', async () => {
    const { ctx, start, seen } = await startWriter()
    const [one, other] = [await start(), await start()]
    for (const pid of [one, one, other, one, { ...one }, one]) {
      ctx.send(pid, 'message')
      ctx.cast(pid, 'note', ['cast'])
      await Promise.resolve()
    }
    expect(await seen(other)).toEqual(['message', 'cast'])
    expect(await seen(one)).toEqual(['message', 'cast', 'message', 'cast', 'message', 'cast', 'message', 'cast'])
  })

  it('reaches nobody once that one has ended, which is counted', async () => {
    const { node, ctx, start } = await startWriter()
    const pid = await start()
    for (let round = 0; round < 2; round += 1) ctx.cast(pid, 'note', ['before'])
    ctx.exit(pid, 'kill')
    const before = node.counters().deadLetters
    ctx.send(pid, 'late')
    ctx.cast(pid, 'note', ['late'])
    expect(node.counters().deadLetters - before).toBe(2)
  })

  it('has what finds the mailbox full dropped and counted, and is not told', async () => {
    const { node, platform, ctx, start, seen } = await startWriter()
    const pid = await start()
    for (let message = 0; message < 12; message += 1) ctx.send(pid, message)
    expect(node.counters().mailboxDrops).toBe(4)
    await platform.settle()
    expect(await seen(pid)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('sends nothing after its own end, which is counted', async () => {
    const { node, ctx, start, settled } = await startWriter()
    const pid = await start()
    ctx.unlink(pid)
    ctx.send(pid, 'in time')
    ctx.send(pid, 'in time')
    ctx.exit(ctx.self, 'kill')
    ctx.send(pid, 'late')
    ctx.cast(pid, 'note', ['late'])
    expect(node.counters().afterExit).toBe(2)
    expect(await settled(node.call(pid, 'seen', []))).toEqual(['in time', 'in time'])
  })
})
