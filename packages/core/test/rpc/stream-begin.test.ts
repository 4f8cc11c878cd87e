import { defineApp, memoryTransport, type Node, startNode, streamContract } from '@skerry/core'
import { manualNode } from '@skerry/testing'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deferred } from '../../src/base/deferred.ts'
import { knows, newMeshName, quiet } from './two-nodes.ts'

/** A check that lasts until the test lets it end. */
class Gate {
  readonly reached = deferred<void>()
  readonly open = deferred<void>()
}
let gate: Gate | undefined

const anything: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'tests', validate: (value) => ({ value }) },
}
const checkedSlowly: StandardSchemaV1<unknown, unknown> = {
  '~standard': {
    version: 1,
    vendor: 'tests',
    async validate(value) {
      const waitsAt = gate
      gate = undefined
      waitsAt?.reached.resolve()
      await waitsAt?.open.promise
      return { value }
    },
  },
}

let runs = 0
const tag = streamContract({ name: 'tag', input: checkedSlowly, item: anything, incoming: anything })
const tagHere = tag.implement({
  primaryOnly: true,
  run(ctx, _input, incoming) {
    runs += 1
    return (async function* () {
      for await (const item of incoming) yield `${ctx.myRegion} ${String(item)}`
    })()
  },
})
const app = defineApp({ name: 'app', children: [], procedures: [tagHere] })

describe('a stream whose input is being checked', () => {
  it('and that is refused then, as its node is no longer primary, runs at the new primary, with all its incoming items', async () => {
    const hub = newMeshName()
    const start = async (region: string): Promise<Node> => {
      const node = await startNode(app, quiet({ region, primaryRegion: 'syd', transport: memoryTransport({ hub }) }))
      onTestFinished(() => node.stop())
      return node
    }
    const [syd, fra, lax] = [await start('syd'), await start('fra'), await start('lax')]
    for (const other of [syd, fra]) await knows(lax, other, app)
    const { reached, open } = (gate = new Gate())
    const items = lax.stream('primary', tag, 1, { incoming: ['a', 'b', 'c'], silentMs: 5_000 })
    const first = items.next()
    await reached.promise
    await syd.setPrimaryRegion('fra')
    await fra.waitFor(() => fra.isPrimary, 'the news')
    open.resolve()
    expect(await first).toEqual({ value: 'fra a', done: false })
    const rest: unknown[] = []
    for await (const item of items) rest.push(item)
    expect(rest).toEqual(['fra b', 'fra c'])
  })

  it('is silent at neither end, however long that takes', async () => {
    const { node, platform, advance, stop } = await manualNode({ app })
    onTestFinished(stop)
    const { open } = (gate = new Gate())
    const first = node.stream('local', tag, 1, { incoming: ['a'], silentMs: 1_000 }).next()
    await advance(30_000)
    open.resolve()
    await platform.settle()
    expect(await first).toEqual({ value: 'local a', done: false })
  })

  it('and that is left then never runs', async () => {
    runs = 0
    const { node, platform, stop } = await manualNode({ app })
    onTestFinished(stop)
    const { open } = (gate = new Gate())
    const items = node.stream('local', tag, 1)
    void items.next()
    await platform.settle()
    void items.return()
    await platform.settle()
    open.resolve()
    await platform.settle()
    expect(runs).toBe(0)
  })
})
