import { actor, defineApp, type Message, type Node, silentLog, startNode } from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'

describe('a bare actor that does not receive', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  for (const [policy, kept] of [
    ['reject', [1, 2]],
    ['dropOldest', [3, 4]],
  ] as const) {
    it(`holds no more than its mailbox's max, by ${policy}, and every DOWN`, async () => {
      const watched = await startPuppet(node)
      const received = new Sightings<Message>()
      let go: () => void = () => undefined
      const held = new Promise<void>((resolve) => {
        go = resolve
      })
      const idle = actor({
        name: 'idle',
        mailbox: { max: 2, policy },
        async run(ctx) {
          ctx.monitor(watched.pid)
          ctx.monitor(watched.pid)
          await held
          for (;;) received.add(await ctx.receive())
        },
      })
      const pid = await node.start(idle, [])
      const before = node.counters().mailboxDrops
      for (const number of [1, 2, 3, 4]) {
        node.send(pid, number)
        // Each is taken out of the mailbox proper before the next one comes.
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(node.counters().mailboxDrops).toBe(before + 2)
      const ended = node.watch(watched.pid)
      node.exit(watched.pid, 'kill')
      await ended
      await new Promise((resolve) => setImmediate(resolve))
      go()
      expect([await received.next(), await received.next()]).toEqual(kept)
      expect(await received.next()).toMatchObject({ type: 'DOWN', reason: 'killed' })
      expect(await received.next()).toMatchObject({ type: 'DOWN', reason: 'killed' })
      expect(node.counters().mailboxDrops).toBe(before + 2)
    })
  }

  it('that waits for a time only is told when nothing came', async () => {
    const told = new Sightings<unknown>()
    const patient = actor({
      name: 'patient',
      run: async (ctx) => told.add(await ctx.receive({ timeoutMs: 1 }).catch((error: unknown) => error)),
    })
    await node.start(patient, [])
    expect(await told.next()).toMatchObject({ name: 'ActorError', code: 'ERR_RECEIVE_TIMEOUT' })
  })
})
