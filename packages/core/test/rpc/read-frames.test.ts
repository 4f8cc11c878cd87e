import { inspect, isDeepStrictEqual } from 'node:util'
import { actorName, child, defineApp, genServer, procedure, streamProcedure } from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MeshKind, type Pair, startPair } from './two-nodes.ts'

/** What the transport of `overwriting-transport.mjs` counts, which core loads by itself. */
const told = ((globalThis as { framesToldRead?: { atOnce: number; later: number; twice: number } }).framesToldRead ??= {
  atOnce: 0,
  later: 0,
  twice: 0,
})
/** What procedures got, and keep. */
const kept: unknown[] = []
const keep = procedure({
  name: 'keep',
  run(_ctx, input: unknown) {
    kept.push(input)
    return input
  },
})
const keepLater = procedure({
  name: 'keepLater',
  async run(_ctx, input: unknown) {
    await Promise.resolve()
    kept.push(input)
    return input
  },
})
const count = streamProcedure({
  name: 'count',
  async *run(_ctx, input: { readonly items: readonly Uint8Array[] }) {
    for (const item of input.items) yield item
  },
})
const storeName = actorName<{ call: { swap(value: unknown): unknown }; cast: { put(value: unknown): void } }>('store')
const store = genServer({
  name: 'store',
  remote: 'members',
  init: () => ({ values: [] as unknown[] }),
  call: {
    swap(ctx, value: unknown) {
      ctx.state.values.push(value)
      return ctx.state.values
    },
  },
  cast: { put: (ctx, value: unknown) => void ctx.state.values.push(value) },
})
const app = defineApp({
  name: 'reads',
  children: [child('store', store, [], { register: storeName })],
  procedures: [keep, keepLater, count],
})
const kind: MeshKind = {
  name: 'memory, written over',
  spec: (hub, { maxFrameBytes }) => ({
    module: new URL('../fixtures/overwriting-transport.mjs', import.meta.url).href,
    export: 'createOverwritingTransport',
    options: { hub, maxFrameBytes },
  }),
}

/** Of every kind that is read in another way, no two alike. */
function valueOf(number: number): unknown {
  const bytes = new Uint8Array(200 + number).fill(number)
  const values = [
    bytes,
    new Float64Array(70).fill(number),
    'é'.repeat(100 + number),
    `short ${number}`,
    number,
    { bytes, text: 'x'.repeat(300 + number), map: new Map([[number, bytes.buffer]]), when: new Date(number) },
    [new Error(`error ${number}`).message, BigInt(number), undefined, null],
    new Uint8Array(5_000).fill(number),
    new Uint8Array(40_000).fill(number),
  ]
  return values[number % values.length]
}

describe('[node] the block of a frame that core has read', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await startPair(kind, app, app)
  })
  afterAll(() => pair.stop())

  it('is used for something else, and no value that came in it changes', async () => {
    const { client, server } = pair
    const before = { ...told }
    const numbers = Array.from({ length: 45 }, (_none, number) => number)
    const ways = [keep, keepLater]
    const results = await Promise.all(
      numbers.flatMap((number) => ways.map((way) => client.rpcRegion('syd', way, valueOf(number)))),
    )
    const expected = numbers.flatMap((number) => [valueOf(number), valueOf(number)])
    expect(isDeepStrictEqual(results, expected)).toBe(true)
    // By `isDeepStrictEqual`: `toEqual` takes seconds for so many elements.
    const sorted = (values: unknown[]): string[] => values.map((value) => inspect(value)).toSorted()
    expect(sorted(kept.splice(0))).toEqual(sorted(expected))
    const pid = server.whereis(storeName)
    if (pid === undefined) throw new Error('there is no store')
    for (const number of numbers.slice(0, 8)) client.cast(pid, 'put', [valueOf(number)])
    const stored = await client.call(pid, 'swap', ['last'])
    expect(isDeepStrictEqual(stored, [...numbers.slice(0, 8).map(valueOf), 'last'])).toBe(true)
    const items = numbers.slice(0, 30).map((number) => new Uint8Array(100 + number).fill(number))
    const read: Uint8Array[] = []
    for await (const item of client.stream('syd', count, { items })) read.push(item)
    expect(isDeepStrictEqual(read, items)).toBe(true)
    // Both ends read most of their frames, and say so of each once.
    expect(told.later - before.later).toBeGreaterThan(100)
    expect(told.atOnce - before.atOnce).toBeGreaterThan(20)
    expect(told.twice).toBe(0)
  })

  it('stays as it is while the work of a key may begin again', async () => {
    const { client } = pair
    const value = valueOf(5)
    const calls = Array.from({ length: 3 }, () => client.rpcRegion('syd', keepLater, value, { idempotencyKey: 'one' }))
    expect(await Promise.all(calls)).toEqual([value, value, value])
    expect(kept.splice(0)).toEqual([value])
    expect(told.twice).toBe(0)
  })
})
