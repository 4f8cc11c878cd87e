import { defineApp, genServer, type Node, startNode } from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { quiet } from '../rpc/two-nodes.ts'

let node: Node
beforeEach(async () => {
  node = await startNode(defineApp({ name: 'fairness', children: [] }), quiet({ region: 'syd' }))
})
afterEach(() => node.stop())

/** Counts for all of its actors together. */
class Tally {
  count = 0
}

const counter = genServer({
  name: 'counter',
  init: (_ctx, tally: Tally): Tally => tally,
  call: { ask: (): string => 'answer' },
  cast: { count: (ctx) => void (ctx.state.count += 1) },
})

/** Says something to itself, for ever. */
const chain = genServer({
  name: 'chain',
  init: (ctx, tally: Tally): Tally => {
    ctx.send(ctx.self, 'next')
    return tally
  },
  info: (ctx) => {
    ctx.state.count += 1
    ctx.send(ctx.self, 'next')
  },
})

const nextLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('turns are shared', () => {
  it('[local] between one mailbox that is flooded, the others, and the event loop', async () => {
    const [flooded, other] = [new Tally(), new Tally()]
    const [victim, asked] = [await node.start(counter, [flooded]), await node.start(counter, [other])]
    const most = 50_000
    for (let sent = 0; sent < most; sent += 1) node.cast(victim, 'count', [])
    expect(await node.call(asked, 'ask', [])).toBe('answer')
    expect(flooded.count).toBeLessThan(100)
    await nextLoop()
    expect(flooded.count).toBeLessThan(most)
    await node.call(victim, 'ask', [])
    expect(flooded.count).toBe(most)
    expect(node.counters().mailboxDrops).toBe(0)
  })

  it('[local] between 100,000 actors that are ready and the event loop', async () => {
    const tally = new Tally()
    const many = 100_000
    const pids = await Promise.all(Array.from({ length: many }, () => node.start(counter, [tally])))
    for (const pid of pids) node.cast(pid, 'count', [])
    await nextLoop()
    expect(tally.count).toBeLessThan(many)
    for (let round = 0; tally.count < many; round += 1) {
      // Each time the loop comes round some of them have had their turn.
      const before = tally.count
      await nextLoop()
      await nextLoop()
      expect(tally.count).toBeGreaterThan(before)
    }
    // Each had one message, and so one turn.
    expect(tally.count).toBe(many)
  })

  it('[local] between an actor that talks to itself for ever, the others, and timers', async () => {
    const [endless, other] = [new Tally(), new Tally()]
    await node.start(chain, [endless])
    const asked = await node.start(counter, [other])
    for (let round = 0; round < 10; round += 1) {
      expect(await node.call(asked, 'ask', [])).toBe('answer')
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    expect(endless.count).toBeGreaterThan(10)
  })
})
