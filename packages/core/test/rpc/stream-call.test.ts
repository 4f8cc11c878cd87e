import { describe, expect, it } from 'vitest'
import type { RpcReport } from '../../src/actor/rpc-report.ts'
import { ClientWorld, failureOf } from './client-world.ts'

describe('the caller of a stream', () => {
  it.each([
    ['ERR_FRAME_TOO_LARGE', 'unknown', 'too-large', 10],
    // More than may be parked for a node.
    ['ERR_OVERLOADED', 'unknown', 'overloaded', 33 * 1024 * 1024],
  ] as const)(
    'is told of an incoming item that can not be sent (%s) as %s: its process is stopped, and it begins nowhere else',
    async (code, outcome, result, bytes) => {
      const world = new ClientWorld()
      world.sends = ({ type }) => (type === 'item' ? result : 'sent')
      const items = world.stream({ incoming: [new Uint8Array(bytes)] }, ['syd', 'lax'])
      const failure = failureOf(items.next())
      await world.platform.settle()
      world.credit(256, 1 << 20)
      expect(await failure).toMatchObject({ code, outcome, attempts: [{ node: 's1', code, outcome }] })
      expect(world.asked).toEqual(['s1'])
      expect(world.sent).toMatchObject([{ type: 'cancel', to: { node: 's1' }, reason: 'cancelled' }])
    },
  )

  it('sends its items to the process that runs, and to none that was refused before it did', async () => {
    const world = new ClientWorld()
    const items = world.stream({ incoming: ['a', 'b'] }, ['syd', 'lax'])
    const first = items.next()
    await world.platform.settle()
    // It lives, and has not begun.
    world.credit(0, 0)
    world.refuse({})
    await world.platform.settle()
    expect(world.asked).toEqual(['s1', 'l1'])
    expect(world.sent).toEqual([])
    world.credit(256, 1 << 20)
    await world.platform.settle()
    expect(world.sent).toMatchObject([
      { type: 'item', to: world.process, seq: 0 },
      { type: 'item', to: world.process, seq: 1 },
      { type: 'itemsEnd', to: world.process },
    ])
    world.item(0, 'of l1')
    expect(await first).toEqual({ value: 'of l1', done: false })
  })

  it('is not taken for silent while it waits for the news of a newer primary', async () => {
    const world = new ClientWorld('syd', 3)
    const first = world.stream({ silentMs: 100 }).next()
    await world.platform.settle()
    world.refuse({ primaryEpoch: 4 })
    await world.platform.advance(1_500)
    world.write('lax', 4)
    await world.platform.settle()
    expect(world.asked).toEqual(['s1', 'l1'])
    world.credit(256, 1 << 20)
    world.item(0, 'of l1')
    expect(await first).toEqual({ value: 'of l1', done: false })
  })

  it('waits for somebody who can serve it, if it is told to, and is told why who was asked', async () => {
    const world = new ClientWorld('syd', 0, [])
    const reports: RpcReport[] = []
    const items = world.stream({ wait: true, silentMs: 1_000, explain: (report) => void reports.push(report) }, 'syd')
    const first = items.next()
    await world.platform.advance(60_000)
    world.touch(['s1'])
    await world.platform.settle()
    world.refuse({ code: 'ERR_OVERLOADED' })
    world.touch([])
    await world.platform.advance(60_000)
    expect(world.asked).toEqual(['s1'])
    world.touch(['s2'])
    await world.platform.settle()
    world.credit(256, 1 << 20)
    world.item(0, 'of s2')
    expect(await first).toEqual({ value: 'of s2', done: false })
    expect(reports).toEqual([])
    world.answer(undefined)
    expect(await items.next()).toEqual({ value: undefined, done: true })
    expect(reports).toMatchObject([
      {
        code: 'ok',
        attempts: [
          { node: 's1', code: 'ERR_OVERLOADED', outcome: 'not-run' },
          { node: 's2', code: 'ok', outcome: 'ran' },
        ],
      },
    ])
    expect(reports[0]?.choices.map(({ taken }) => taken)).toContain('s2')
  })

  it.each(['abort', 'return', 'idleTimeoutMs', 'timeoutMs'])(
    'that waits is not run when it ends by %s',
    async (how) => {
      const world = new ClientWorld('syd', 0, [])
      const controller = new AbortController()
      const times = {
        ...(how === 'idleTimeoutMs' && { idleTimeoutMs: 500 }),
        ...(how === 'timeoutMs' && { timeoutMs: 500 }),
      }
      const items = world.stream({ wait: true, signal: controller.signal, ...times }, 'syd')
      const failure = failureOf(items.next())
      await world.platform.settle()
      if (how === 'abort') controller.abort()
      if (how === 'return') await items.return?.()
      await world.platform.advance(500)
      expect(await failure).toMatchObject({ outcome: 'not-run', attempts: [] })
      world.touch(['s1'])
      await world.platform.settle()
      expect(world.asked).toEqual([])
    },
  )

  it('believes no node that says not-run of what it had begun', async () => {
    const world = new ClientWorld()
    const failure = failureOf(world.stream({}, ['syd', 'lax']).next())
    await world.platform.settle()
    world.credit(256, 1 << 20)
    world.refuse({ code: 'ERR_OVERLOADED' })
    expect(await failure).toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'unknown' })
    expect(world.asked).toEqual(['s1'])
  })

  it('that asked for little while others held much is given more when they hold less, also before its process has begun', async () => {
    const world = new ClientWorld()
    const held = world.kernel.credit.own
    held.charge(63 * 1024 * 1024)
    const items = world.stream({}, 'syd')
    const first = items.next()
    await world.platform.settle()
    held.charge(-63 * 1024 * 1024)
    world.credit(256, 1 << 20)
    expect(creditOf(world)).toBe(255)
    world.item(0, 'one')
    expect(await first).toEqual({ value: 'one', done: false })
    for (let seq = 1; seq < 256; seq += 1) {
      world.item(seq, seq)
      expect(await items.next()).toEqual({ value: seq, done: false })
    }
    expect(creditOf(world)).toBe(255 + 128 + 128)
  })

  it('whose procedure reads no more does not end with what its source throws then', async () => {
    const world = new ClientWorld()
    let fail: (error: Error) => void = () => undefined
    async function* source(): AsyncGenerator<string> {
      yield 'a'
      await new Promise((_resolve, reject) => (fail = reject))
    }
    const items = world.stream({ incoming: source() }, 'syd')
    const first = items.next()
    await world.platform.settle()
    world.credit(256, 1 << 20)
    await world.platform.settle()
    world.itemsEnd()
    fail(new Error('nobody listens'))
    await world.platform.settle()
    expect(world.sent).toMatchObject([{ type: 'item' }, { type: 'itemsEnd' }])
    world.item(0, 'goes on')
    expect(await first).toEqual({ value: 'goes on', done: false })
    expect(world.kernel.counters.errorsAfterExit).toBe(1)
  })

  it('is told unknown of a process that ended before it said that it begins', async () => {
    const world = new ClientWorld()
    const failure = failureOf(world.stream({}, 'syd').next())
    await world.platform.settle()
    world.exit('shutdown')
    expect(await failure).toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'unknown', reason: 'shutdown' })
  })
})

/** What the caller let its process send, beside what it had asked for. */
function creditOf({ sent }: ClientWorld): number {
  return sent.reduce((sum, signal) => sum + (signal.type === 'credit' ? signal.items : 0), 0)
}
