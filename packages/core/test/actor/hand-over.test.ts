import { actor, genServer, type Message, type Pid } from '@skerry/core'
import type { ManualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'

interface Box {
  items: number[]
}

const keeper = genServer({
  name: 'keeper',
  init: () => ({ box: { items: [] } as Box, odd: undefined as unknown }),
  call: {
    put: (ctx, box: Box) => void (ctx.state.box = box),
    get: (ctx) => ctx.state.box,
    getLater: async (ctx) => {
      await Promise.resolve()
      return ctx.state.box
    },
    defer: (ctx) => {
      const deferred = ctx.defer<Box>()
      deferred.reply(ctx.state.box)
      return deferred
    },
    function: () => () => 1,
    /** Does it as an actor, to `to`. */
    tell: async (
      ctx,
      how: 'send' | 'cast' | 'call' | 'sendAfter',
      to: Pid<{ call: KeeperCalls; cast: KeeperCasts }>,
    ) => {
      const box: Box = { items: [1] }
      if (how === 'send') ctx.send(to, box)
      else if (how === 'cast') ctx.cast(to, 'put', [box])
      else if (how === 'call') await ctx.call(to, 'put', [box])
      else ctx.sendAfter(10, to, box)
      ctx.state.box = box
    },
    sendFunction: (ctx, to: Pid) => {
      try {
        ctx.send(to, { run: () => 1 })
        return 'sent'
      } catch (error) {
        return (error as { code: string }).code
      }
    },
    pushOwn: (ctx, item: number) => void ctx.state.box.items.push(item),
  },
  cast: { put: (ctx, box: Box) => void (ctx.state.box = box) },
  info: (ctx, message) => void (ctx.state.box = message as Box),
})

interface KeeperCalls {
  put(box: Box): void
}
interface KeeperCasts {
  put(box: Box): void
}

const copying = (): Promise<ManualNode> => startManualNode(() => ({ handOver: structuredClone }))
const startKeeper = ({ node, settled }: ManualNode) => settled(node.start(keeper, []))

describe('without a platform that copies, as in production,', () => {
  it('the very object is handed over', async () => {
    const manual = await startManualNode()
    const { node, settled } = manual
    const pid = await startKeeper(manual)
    const box: Box = { items: [] }
    await settled(node.call(pid, 'put', [box]))
    expect(await settled(node.call(pid, 'get', []))).toBe(box)
  })
})

describe('on a platform that copies what is handed over', () => {
  for (const how of ['send', 'cast', 'call', 'sendAfter'] as const) {
    it(`a ${how} of an actor does not share what it carries`, async () => {
      const manual = await copying()
      const { node, settled, platform } = manual
      const [first, second] = [await startKeeper(manual), await startKeeper(manual)]
      await settled(node.call(first, 'tell', [how, second]))
      await platform.advance(10)
      await settled(node.call(first, 'pushOwn', [2]))
      expect(await settled(node.call(second, 'get', []))).toEqual({ items: [1] })
    })
  }

  it('plain code does not share with actors', async () => {
    const manual = await copying()
    const { node, settled, platform } = manual
    const pid = await startKeeper(manual)
    for (const give of [
      (box: Box) => settled(node.call(pid, 'put', [box])),
      async (box: Box) => node.cast(pid, 'put', [box]),
      async (box: Box) => node.send(pid, box),
    ]) {
      const box: Box = { items: [1] }
      await give(box)
      await platform.settle()
      box.items.push(2)
      expect(await settled(node.call(pid, 'get', []))).toEqual({ items: [1] })
    }
  })

  for (const how of ['get', 'getLater', 'defer'] as const) {
    it(`an answer by ${how} is not shared`, async () => {
      const manual = await copying()
      const { node, settled } = manual
      const pid = await startKeeper(manual)
      const got = await settled(node.call(pid, how, []))
      got.items.push(7)
      expect(await settled(node.call(pid, 'get', []))).toEqual({ items: [] })
    })
  }

  it('what can not be copied is ERR_NOT_ENCODABLE for the one who hands it over, as between threads', async () => {
    const manual = await copying()
    const { node, settled } = manual
    const [first, second] = [await startKeeper(manual), await startKeeper(manual)]
    const odd = { items: (() => 1) as never as number[] }
    const refused = { name: 'CallError', code: 'ERR_NOT_ENCODABLE' }
    await expect(settled(node.call(first, 'put', [odd]))).rejects.toMatchObject({ ...refused, outcome: 'not-run' })
    await expect(settled(node.call(first, 'function', []))).rejects.toMatchObject({ ...refused, outcome: 'ran' })
    expect(await settled(node.call(first, 'sendFunction', [second]))).toBe('ERR_NOT_ENCODABLE')
    expect(await settled(node.call(first, 'get', []))).toEqual({ items: [] })
  })

  it("the node's own actors are left alone", async () => {
    const copied: unknown[] = []
    const handOver = (value: unknown): unknown => {
      copied.push(value)
      return value
    }
    const { node, settled, platform } = await startManualNode(() => ({ handOver }))
    await platform.advance(30_000)
    await settled(node.whichChildren('system'))
    expect(copied).toEqual([])
    // Those of the app that supervise take specs, which hold code.
    await settled(node.whichChildren())
    expect(copied).toEqual([])
    const server = genServer({ name: 'server', init: () => undefined, call: { ping: () => 'pong' } })
    const pid = await settled(node.start(server, []))
    await settled(node.call(pid, 'ping', []))
    expect(copied).toEqual([[], 'pong'])
  })
})

describe('a platform that listens to actors', () => {
  it('hears of each begin and each end, with its reason, once', async () => {
    const heard: unknown[] = []
    const { node, settled, platform } = await startManualNode((its: ManualPlatform) => ({
      onActor: (event) => {
        if (event.label === 'brief') heard.push([event.type, event.pid.serial, 'reason' in event && event.reason])
        expect(its.clock.monotonic()).toBe(0)
      },
    }))
    const brief = actor({
      name: 'brief',
      async run(ctx, reason: string) {
        const next: Message = await ctx.receive()
        if (next === 'end') ctx.exit(ctx.self, reason)
      },
    })
    const first = await settled(node.start(brief, ['done']))
    const second = await settled(node.start(brief, ['never used']))
    node.send(first, 'end')
    node.exit(second, 'kill')
    await platform.settle()
    expect(heard).toEqual([
      ['spawn', first.serial, false],
      ['spawn', second.serial, false],
      ['exit', second.serial, 'killed'],
      ['exit', first.serial, 'done'],
    ])
  })
})
