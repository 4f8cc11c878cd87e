import {
  actorName,
  child,
  type Context,
  defineApp,
  Exit,
  genServer,
  type Node,
  type Outcome,
  type ProcedureRef,
  type RpcError,
  type RpcErrorCode,
  startNode,
  streamContract,
  streamProcedure,
} from '@skerry/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Sightings } from '../fixtures/sightings.ts'
import * as threads from '../fixtures/thread-procedures.mjs'
import { echo } from './failure-procedures.ts'
import { frameBytesMax, knows, makeTransport, type MeshKind, type Pair, quiet, startPair } from './two-nodes.ts'

const count = streamProcedure({
  name: 'count',
  async *run(_ctx, to: number) {
    for (let n = 1; n <= to; n += 1) yield n
  },
})

/** So many items of 32 KiB, each with its number. */
const heavy = streamProcedure({
  name: 'heavy',
  async *run(_ctx, items: number) {
    for (let n = 0; n < items; n += 1) yield new Uint8Array(32 * 1024).fill(n)
  },
})

interface Seen {
  readonly ctx: Context
  /** How many items it was asked for. */
  made: number
  readonly cleanedUp: Promise<void>
}
const begun = new Sightings<Seen>()

/** Counts for ever, and says how far it was asked to. */
const endless = streamProcedure({
  name: 'endless',
  async *run(ctx, item: number | Uint8Array) {
    let cleaned: () => void = () => undefined
    const seen: Seen = { ctx, made: 0, cleanedUp: new Promise((resolve) => (cleaned = resolve)) }
    begun.add(seen)
    try {
      for (;;) {
        seen.made += 1
        yield typeof item === 'number' ? seen.made : item
      }
    } finally {
      cleaned()
    }
  },
})

/** Gives `items`, and then does what it is told. */
const then = streamProcedure({
  name: 'then',
  async *run(ctx, [items, what]: readonly [number, string]) {
    for (let n = 1; n <= items; n += 1) yield n as unknown
    begun.add({ ctx, made: items, cleanedUp: Promise.resolve() })
    if (what === 'throw') throw new RangeError('enough')
    if (what === 'exit') throw new Exit('enough')
    if (what === 'function') yield () => 1
    if (what === 'hang') await new Promise(() => undefined)
    if (what === 'think') await new Promise<void>((resolve) => void ctx.clock.after(700, resolve))
    yield 'last'
  },
})

const sum = streamProcedure({
  name: 'sum',
  async *run(_ctx, start: number, incoming: AsyncIterable<number>) {
    let total = start
    for await (const n of incoming) yield (total += n)
  },
})

/** Reads two, and gives what it was. */
const firstTwo = streamProcedure({
  name: 'firstTwo',
  async *run(_ctx, _input: undefined, incoming: AsyncIterable<number>) {
    let left = 2
    for await (const n of incoming) {
      yield n
      left -= 1
      if (left === 0) break
    }
    yield 0
  },
})

let wentOn = 0
/** Takes all that comes in, and then goes on. */
const takesAll = streamProcedure({
  name: 'takesAll',
  async *run(ctx, _input: undefined, incoming: AsyncIterable<number>) {
    begun.add({ ctx, made: 0, cleanedUp: Promise.resolve() })
    for await (const n of incoming) yield n
    wentOn += 1
  },
})

const checked: unknown[] = []
const even: StandardSchemaV1<number, number> = {
  '~standard': {
    version: 1,
    vendor: 'tests',
    validate(value) {
      checked.push(value)
      return (value as number) % 2 === 0 ? { value: (value as number) * 10 } : { issues: [{ message: 'odd' }] }
    },
  },
}
const evens = streamContract({ name: 'evens', input: even, item: even, incoming: even })
const evensHere = evens.implement({
  async *run(_ctx, input, incoming) {
    yield input
    for await (const item of incoming) yield item === 60 ? 3 : item
  },
})

const unchecked = streamContract({ name: 'unchecked', input: even, item: even, incoming: even })
const uncheckedHere = unchecked.implement({
  validate: false,
  async *run(_ctx, input, incoming) {
    yield input
    yield* incoming
  },
})
const gives5 = streamProcedure({ name: 'gives5', run: () => 5 as unknown as AsyncIterable<number> })

const reader = genServer({
  name: 'reader',
  init: () => undefined,
  call: {
    async read(ctx) {
      for await (const item of ctx.stream('syd', endless, 1)) if (item === 3) await new Promise(() => undefined)
    },
  },
})
const readerName = actorName<{ call: { read(): void }; cast: Record<never, never> }>('reader')

const offered = [
  count,
  heavy,
  endless,
  then,
  sum,
  firstTwo,
  takesAll,
  evensHere,
  uncheckedHere,
  gives5,
  echo,
  threads.countThere,
  threads.sumOnPool,
  threads.yieldsAndSpins,
  threads.relay,
]
const serverApp = defineApp({ name: 'server', children: [], procedures: offered })
const clientApp = defineApp({
  name: 'client',
  children: [child('reader', reader, [], { register: readerName })],
  procedures: [threads.countThere],
})

/** Streams over one kind of transport: a server in `syd`, a client in `lax`. */
export function streamSuite(kind: MeshKind): void {
  describe(`streams over ${kind.name}`, () => {
    let pair: Pair
    let client: Node
    let server: Node

    beforeAll(async () => {
      pair = await startPair(kind, serverApp, clientApp)
      ;({ client, server } = pair)
    })
    afterAll(() => pair.stop())

    /** Reads to the end, and gives what came, and what ended it. */
    async function readAll(items: AsyncIterable<unknown>): Promise<{ items: unknown[]; error: unknown }> {
      const read: unknown[] = []
      try {
        for await (const item of items) read.push(item)
      } catch (error) {
        return { items: read, error }
      }
      return { items: read, error: undefined }
    }

    const failure = (code: RpcErrorCode, outcome: Outcome): unknown =>
      expect.objectContaining({ name: 'RpcError', code, outcome })

    const processes = async (): Promise<number> => (await server.whichChildren('system.RpcProcesses')).length

    it('give every item once, in order, and then end', async () => {
      for (const items of [0, 1, 255, 256, 257, 5_000]) {
        const read = await readAll(client.stream('syd', count, items))
        expect(read).toEqual({ items: Array.from({ length: items }, (_, index) => index + 1), error: undefined })
      }
      await expect.poll(processes).toBe(0)
    })

    it('run on one node, on the own region, and on a node of a list', async () => {
      expect((await readAll(client.stream({ node: server.id }, count, 3))).items).toEqual([1, 2, 3])
      expect((await readAll(server.stream('syd', count, 3))).items).toEqual([1, 2, 3])
      expect((await readAll(client.stream(['nowhere', 'primary'], count, 3))).items).toEqual([1, 2, 3])
    })

    it('begin with the first next, and not before', async () => {
      const items = client.stream('syd', endless, 1)
      expect(await client.rpcRegion('syd', echo, 1)).toBe(1)
      expect(begun.waiting).toBe(0)
      expect(await items.next()).toEqual({ value: 1, done: false })
      await begun.next()
      expect(await items.return()).toEqual({ value: undefined, done: true })
      expect(await items.next()).toEqual({ value: undefined, done: true })
    })

    it('answer several nexts in order', async () => {
      const items = client.stream('syd', count, 2)
      const results = await Promise.all([items.next(), items.next(), items.next(), items.next()])
      expect(results.map(({ value, done }) => (done === true ? 'done' : value))).toEqual([1, 2, 'done', 'done'])
    })

    it('make no more items than there is room for, in number and in bytes', async () => {
      const few = client.stream('syd', endless, 1, { windowItems: 4 })
      await few.next()
      const seen = await begun.next()
      await expect.poll(() => seen.made).toBe(4)
      await client.rpcRegion('syd', echo, 'there and back')
      await client.rpcRegion('syd', echo, 'there and back')
      // One is read: the window is given back in halves.
      expect(seen.made).toBe(4)
      await few.next()
      await expect.poll(() => seen.made).toBe(6)
      await few.return()

      const heavy = client.stream('syd', endless, new Uint8Array(10_000), { windowBytes: 32_000 })
      await heavy.next()
      const seenHeavy = await begun.next()
      // Large frames give way to small ones, so they may take longer than a call.
      await expect.poll(() => seenHeavy.made).toBe(4)
      await client.rpcRegion('syd', echo, 'there and back')
      await client.rpcRegion('syd', echo, 'there and back')
      expect(seenHeavy.made).toBe(4)
      await heavy.return()
    })

    it('that have more under way together than fits slow each other down, and all give all', async () => {
      const readAll = async (): Promise<number[]> => {
        const firsts: number[] = []
        for await (const item of pair.client.stream('syd', heavy, 48)) firsts.push(item[0] as number)
        return firsts
      }
      const all = await Promise.all(Array.from({ length: 24 }, readAll))
      for (const firsts of all) expect(firsts).toEqual(Array.from({ length: 48 }, (_, n) => n))
    }, 60_000)

    it('that are left by break stop the process and let it clean up', async () => {
      for await (const item of client.stream('syd', endless, 1)) if (item === 10) break
      const { ctx, cleanedUp } = await begun.next()
      expect(await server.watch(ctx.self)).toMatch(/^(cancelled|noproc)$/)
      expect(ctx.signal.aborted).toBe(true)
      await cleanedUp
      await expect.poll(processes).toBe(0)
    })

    it('end with the actor that reads them', async () => {
      const call = client.call(readerName, 'read', [])
      const { ctx, cleanedUp } = await begun.next()
      const ended = server.watch(ctx.self)
      await client.rpcRegion('syd', echo, 1)
      client.exit(readerName, 'kill')
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED' })
      expect(await ended).toBe('killed')
      await cleanedUp
      await expect.poll(() => client.whereis(readerName)).toBeDefined()
    })

    it.each([
      ['throw', 'ERR_REMOTE_ERROR', 'ran'],
      ['exit', 'ERR_REMOTE_EXIT', 'ran'],
      ['function', 'ERR_RESULT_NOT_ENCODABLE', 'ran'],
    ] as const)('tell how they ended behind the last item: %s', async (what, code, outcome) => {
      for (const items of [0, 300]) {
        const read = await readAll(client.stream('syd', then, [items, what]))
        await begun.next()
        expect(read).toEqual({ items: Array.from({ length: items }, (_, n) => n + 1), error: failure(code, outcome) })
      }
    })

    it('whose procedure gives nothing to take items from say so', async () => {
      const { items, error } = await readAll(client.stream('syd', gives5, undefined))
      expect(items).toEqual([])
      expect(error).toEqual(failure('ERR_REMOTE_ERROR', 'ran'))
      expect((error as RpcError).message).toContain('must be iterable, not number')
    })

    it('tell of an error once, and are at their end then', async () => {
      const items = client.stream('syd', then, [0, 'throw'])
      await expect(items.next()).rejects.toMatchObject({ cause: { name: 'RangeError', message: 'enough' } })
      expect(await items.next()).toEqual({ value: undefined, done: true })
      await begun.next()
    })

    it('can be aborted, which drops what was not read', async () => {
      const controller = new AbortController()
      const items = client.stream('syd', endless, 1, { signal: controller.signal })
      await items.next()
      const { ctx } = await begun.next()
      const ended = server.watch(ctx.self)
      controller.abort(new RangeError('changed my mind'))
      await expect(items.next()).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED', cause: { name: 'RangeError' } })
      expect(await ended).toBe('cancelled')
    })

    it('have a deadline if they are given one, and a time for each item', async () => {
      const whole = await readAll(client.stream('syd', then, [3, 'hang'], { timeoutMs: 200 }))
      expect(whole.items).toEqual([1, 2, 3])
      expect((whole.error as RpcError).code).toBe('ERR_RPC_TIMEOUT')
      const idle = await readAll(client.stream('syd', then, [3, 'hang'], { idleTimeoutMs: 200 }))
      expect(idle).toEqual({ items: [1, 2, 3], error: failure('ERR_RPC_TIMEOUT', 'unknown') })
      await begun.next()
      const { ctx } = await begun.next()
      expect(await server.watch(ctx.self)).toMatch(/^(timeout|noproc)$/)
    })

    it('that have nothing to say for long are not taken for silent', async () => {
      const read = await readAll(client.stream('syd', then, [1, 'think'], { silentMs: 200 }))
      expect(read).toEqual({ items: [1, 'last'], error: undefined })
      await begun.next()
    })

    it('whose thread is stuck are, and it is killed', async () => {
      const readIn = (silentMs: number) =>
        readAll(client.stream('syd', threads.yieldsAndSpins, undefined, { silentMs }))
      let silentMs = 1_000
      let read = await readIn(silentMs)
      // It counts from the request, and on a slow machine the thread takes a while to boot.
      for (; read.items.length === 0 && silentMs < 8_000; read = await readIn(silentMs)) silentMs *= 2
      expect(read).toEqual({ items: [1], error: failure('ERR_STREAM_SILENT', 'unknown') })
      await expect.poll(processes).toBe(0)
    }, 30_000)

    it('go both ways', async () => {
      const incoming = Array.from({ length: 1_000 }, (_, n) => n)
      const sums = await readAll(client.stream('syd', sum, 5, { incoming, windowItems: 16 }))
      let total = 5
      expect(sums).toEqual({ items: incoming.map((n) => (total += n)), error: undefined })
      expect(await readAll(client.stream('syd', sum, 5))).toEqual({ items: [], error: undefined })
    })

    it('take from the caller only what there is room for, and tell it when no more is wanted', async () => {
      let taken = 0
      let left: () => void = () => undefined
      const returned = new Promise<void>((resolve) => (left = resolve))
      async function* numbers(): AsyncGenerator<number> {
        try {
          for (;;) yield (taken += 1)
        } finally {
          left()
        }
      }
      const read = await readAll(client.stream('syd', firstTwo, undefined, { incoming: numbers(), windowItems: 8 }))
      expect(read).toEqual({ items: [1, 2, 0], error: undefined })
      await returned
      expect(taken).toBeLessThanOrEqual(12)
    })

    it('that are left do not look to their procedure as if the incoming items had ended', async () => {
      async function* oneAndNoMore(): AsyncGenerator<number> {
        yield 1
        await new Promise(() => undefined)
      }
      for await (const _item of client.stream('syd', takesAll, undefined, { incoming: oneAndNoMore() })) break
      const { ctx } = await begun.next()
      await server.watch(ctx.self)
      await client.rpcRegion('syd', echo, 1)
      expect(wentOn).toBe(0)
    })

    it('end with what the incoming items throw, or if one of them can not be carried', async () => {
      function* broken(): Generator<number> {
        yield 1
        throw new RangeError('no more numbers')
      }
      const thrown = await readAll(client.stream('syd', sum, 0, { incoming: broken() }))
      expect(thrown.error).toEqual(failure('ERR_RPC_ABORTED', 'unknown'))
      expect((thrown.error as RpcError).cause).toMatchObject({ name: 'RangeError', message: 'no more numbers' })
      const fn = [(() => 1) as unknown as number]
      const odd = await readAll(client.stream('syd', sum, 0, { incoming: fn }))
      expect(odd).toEqual({ items: [], error: failure('ERR_NOT_ENCODABLE', 'unknown') })
      await expect.poll(processes).toBe(0)
    })

    it('apply each schema once, on the server', async () => {
      checked.length = 0
      const read = await readAll(client.stream('syd', evens, 2, { incoming: [4] }))
      expect(read).toEqual({ items: [200, 400], error: undefined })
      expect(checked).toEqual([2, 20, 4, 40])
      expect((await readAll(client.stream('syd', evens, 1))).error).toEqual(failure('ERR_INVALID_INPUT', 'not-run'))
      const badItem = await readAll(client.stream('syd', evens, 2, { incoming: [4, 6] }))
      expect(badItem).toEqual({ items: [200, 400], error: failure('ERR_INVALID_OUTPUT', 'ran') })
      const badIncoming = await readAll(client.stream('syd', evens, 2, { incoming: [3] }))
      expect(badIncoming).toEqual({ items: [200], error: failure('ERR_REMOTE_ERROR', 'ran') })
      expect((badIncoming.error as RpcError).cause).toMatchObject({ code: 'ERR_INVALID_INPUT' })
    })

    it('apply no schema where that is switched off', async () => {
      checked.length = 0
      expect(await readAll(client.stream('syd', unchecked, 3, { incoming: [5] }))).toEqual({ items: [3, 5] })
      expect(checked).toEqual([])
    })

    it('come from threads of their own, go to the pool, and nest', async () => {
      const own = await readAll(client.stream('syd', threads.countThere, 1_000))
      expect(own.error).toBeUndefined()
      expect(own.items).toEqual(Array.from({ length: 1_000 }, (_, n) => ({ n: n + 1, isMainThread: false })))
      const incoming = Array.from({ length: 600 }, () => 1)
      const pool = await readAll(client.stream('syd', threads.sumOnPool, undefined, { incoming }))
      expect(pool).toEqual({ items: incoming.map((_, n) => n + 1), error: undefined })
      for (const region of ['syd', 'lax']) {
        const relayed = await readAll(client.stream('syd', threads.relay, { region, to: 700 }))
        expect(relayed).toEqual({ items: Array.from({ length: 700 }, (_, n) => n + 1), error: undefined })
      }
    })

    it('that are lost with their node end as unknown, behind what has come', async () => {
      const spec = kind.spec(pair.mesh, { seeds: [...client.addresses], maxFrameBytes: frameBytesMax })
      const transport = await makeTransport(spec)
      const options = { region: 'fra', primaryRegion: 'syd', cluster: 'tests', transport: () => transport }
      const victim = await startNode(serverApp, quiet(options))
      onTestFinished(() => victim.stop())
      await knows(client, victim, serverApp)
      const items = client.stream('fra', then, [3, 'hang'])
      expect(await items.next()).toEqual({ value: 1, done: false })
      const { ctx } = await begun.next()
      expect(await client.rpcRegion('fra', echo, 1)).toBe(1)
      await transport.stop()
      expect(await readAll(items)).toEqual({ items: [2, 3], error: failure('ERR_NODE_LOST', 'unknown') })
      await expect.poll(() => ctx.signal.aborted).toBe(true)
    })

    it('refuse at once what can not be asked', async () => {
      const refused = async (items: AsyncIterable<unknown>): Promise<unknown> => (await readAll(items)).error
      expect(await refused(client.stream('no such/region', count, 1))).toEqual(failure('ERR_BAD_REGION', 'not-run'))
      expect(await refused(client.stream('nowhere', count, 1))).toEqual(failure('ERR_NO_NODE_IN_REGION', 'not-run'))
      expect(await refused(client.stream('lax', count, 1))).toEqual(failure('ERR_NO_PROCEDURE', 'not-run'))
      for (const bad of [
        { timeoutMs: 0 },
        { idleTimeoutMs: NaN },
        { silentMs: 1 },
        { windowItems: 0 },
        { windowBytes: 1_023 },
        { incoming: 5 as unknown as never[] },
      ]) {
        const error = await refused(client.stream('syd', count, 1, bad))
        expect(error).toEqual(failure('ERR_BAD_OPTIONS', 'not-run'))
        expect((error as RpcError).message).toMatch(new RegExp(`: ${Object.keys(bad)[0]} must`))
      }
      const fn = (() => 1) as unknown as number
      expect(await refused(client.stream('syd', count, fn))).toEqual(failure('ERR_NOT_ENCODABLE', 'not-run'))
      const asCall = client.rpcRegion('syd', count as unknown as ProcedureRef<number, number>, 1)
      await expect(asCall).rejects.toMatchObject({ code: 'ERR_NO_PROCEDURE', outcome: 'not-run' })
      expect(await refused(client.stream('syd', echo as unknown as typeof count, 1))).toEqual(
        failure('ERR_NO_PROCEDURE', 'not-run'),
      )
    })

    it('leave nothing behind', async () => {
      await expect.poll(processes).toBe(0)
      expect(begun.waiting).toBe(0)
    })
  })
}
