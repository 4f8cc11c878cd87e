import { actorName, child, type Context, defineApp, genServer, type Node, procedure, RpcError } from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sightings } from '../fixtures/sightings.ts'
import * as threads from '../fixtures/thread-procedures.mjs'
import { knows, type MeshKind, type Pair, startPair } from './two-nodes.ts'

const whoAmI = procedure({ name: 'whoAmI', run: (ctx, text: string) => `${text} ${ctx.myRegion}` })
const onlyHere = procedure({ name: 'onlyHere', run: () => 'here' })
const throwsInSyd = procedure({
  name: 'throwsInSyd',
  run: (ctx) => {
    if (ctx.myRegion === 'syd') throw new RangeError('not here')
    return 'fine'
  },
})
const hangsInSyd = procedure({
  name: 'hangsInSyd',
  run: (ctx) => {
    if (ctx.myRegion === 'syd') {
      begun.add(ctx)
      return new Promise<string>(() => undefined)
    }
    return 'fine'
  },
})

/** Gives the time that it had, after a while. */
const hadMs = procedure({
  name: 'hadMs',
  run: (ctx) => {
    const { timeLeftMs } = ctx
    return new Promise<number>((resolve) => void ctx.clock.after(50, () => resolve(timeLeftMs)))
  },
})

const begun = new Sightings<Context>()
const noted = new Sightings<{ readonly node: string; readonly input: unknown; readonly ctx: Context }>()
const notes = procedure({
  name: 'notes',
  run: (ctx, input: string) => {
    noted.add({ node: ctx.node, input, ctx })
    if (input === 'throw') throw new RangeError('nobody hears of this')
    if (input === 'wait') return new Promise<void>(() => undefined)
    return undefined
  },
})

const asker = genServer({
  name: 'asker',
  init: () => undefined,
  call: {
    each: (ctx) => ctx.rpcEach({ regions: 'all' }, hangsInSyd, undefined, { timeoutMs: 60_000 }),
    cast: (ctx) => ctx.rpcCast('syd', notes, 'wait', { timeoutMs: 60_000 }),
  },
})
const askerName = actorName<{
  call: { each(): unknown; cast(): void }
  cast: Record<never, never>
}>('asker')

const everywhere = [whoAmI, throwsInSyd, hangsInSyd, hadMs, notes, threads.add, threads.whereAmI]
const serverApp = defineApp({ name: 'server', children: [], procedures: [...everywhere, onlyHere] })
const clientApp = defineApp({
  name: 'client',
  children: [child('asker', asker, [], { register: askerName })],
  procedures: everywhere,
})

/** Calls of many nodes, and casts, over one kind of transport: a server in `syd`, a client in `lax`, one more in `fra`. */
export function manySuite(kind: MeshKind): void {
  describe(`many nodes over ${kind.name}`, () => {
    let pair: Pair
    let client: Node
    let server: Node
    let third: Node

    beforeAll(async () => {
      pair = await startPair(kind, serverApp, clientApp)
      ;({ client, server } = pair)
      third = await pair.join(clientApp, 'fra')
      await knows(client, third, clientApp)
      await knows(third, server, serverApp)
    })
    afterAll(() => pair.stop())

    it('E6 [node] each gives what every node answers, by region and node, one entry a node', async () => {
      expect(await client.rpcEach({ regions: 'all' }, whoAmI, 'in')).toEqual([
        { ok: true, node: third.id, region: 'fra', value: 'in fra' },
        { ok: true, node: client.id, region: 'lax', value: 'in lax' },
        { ok: true, node: server.id, region: 'syd', value: 'in syd' },
      ])
    })

    it('E6 [node] each keeps the order that the caller lists, and asks nobody twice', async () => {
      const regions = await client.rpcEach({ regions: ['syd', 'fra', 'primary', 'syd'] }, whoAmI, 'in')
      expect(regions.map((one) => one.region)).toEqual(['syd', 'fra'])
      const nodes = await client.rpcEach({ nodes: [server.id, client.id, server.id] }, whoAmI, 'in')
      expect(nodes.map((one) => one.node)).toEqual([server.id, client.id])
    })

    it('E6 [node] a bad node among many has its error in its place', async () => {
      const results = await client.rpcEach(
        { nodes: [client.id, 'nobody', server.id, third.id] },
        throwsInSyd,
        undefined,
      )
      expect(results.map((one) => (one.ok ? one.value : `${one.error.code} ${one.error.outcome}`))).toEqual([
        'fine',
        'ERR_NODE_UNREACHABLE not-run',
        'ERR_REMOTE_ERROR ran',
        'fine',
      ])
      expect(results[2]).toMatchObject({ ok: false, node: server.id, region: 'syd' })
      expect(results[2]?.ok === false && results[2].error).toBeInstanceOf(RpcError)
    })

    it('E6 [node] a region without a node, and a node without the procedure, are in their places too', async () => {
      const results = await client.rpcEach({ regions: ['nowhere', 'lax', 'syd'] }, onlyHere, undefined)
      expect(results.map((one) => [one.node, one.region, one.ok ? one.value : one.error.code])).toEqual([
        [undefined, 'nowhere', 'ERR_NO_NODE_IN_REGION'],
        [client.id, 'lax', 'ERR_NO_PROCEDURE'],
        [server.id, 'syd', 'here'],
      ])
    })

    it('E6 [node] one deadline holds for all, and those who answered keep their answers', async () => {
      const all = client.rpcEach({ regions: 'all' }, hangsInSyd, undefined, { timeoutMs: 300 })
      await begun.next()
      expect((await all).map((one) => (one.ok ? one.value : one.error.code))).toEqual([
        'fine',
        'fine',
        'ERR_RPC_TIMEOUT',
      ])
    })

    it('E6 [node] one at a time, the time of those who were not reached is up before they are asked', async () => {
      const nodes = [server.id, client.id]
      const all = client.rpcEach({ nodes }, hangsInSyd, undefined, { timeoutMs: 200, concurrency: 1 })
      await begun.next()
      expect((await all).map((one) => (one.ok ? one.value : `${one.error.code} ${one.error.outcome}`))).toEqual([
        expect.stringMatching(/^ERR_RPC_TIMEOUT (unknown|ran)$/) as string,
        'ERR_RPC_TIMEOUT not-run',
      ])
    })

    it('E6 [node] one after the other, each has what those before have left of the time', async () => {
      const nodes = [server.id, client.id]
      const all = await client.rpcEach({ nodes }, hadMs, undefined, { timeoutMs: 60_000, concurrency: 1 })
      const [first, second] = all.map((one) => (one.ok ? one.value : NaN)) as [number, number]
      expect(first).toBeLessThanOrEqual(60_000)
      expect(second).toBeLessThan(first - 40)
    })

    it('an abort of each ends what runs and keeps what was answered', async () => {
      const controller = new AbortController()
      const all = client.rpcEach({ regions: 'all' }, hangsInSyd, undefined, { signal: controller.signal })
      const ctx = await begun.next()
      const ended = server.watch(ctx.self)
      controller.abort()
      expect((await all).at(-1)).toMatchObject({ ok: false, error: { code: 'ERR_RPC_ABORTED' } })
      expect(await ended).toBe('cancelled')
    })

    it('the end of the actor that asks each ends what runs', async () => {
      const call = client.call(askerName, 'each', [])
      const ctx = await begun.next()
      const ended = server.watch(ctx.self)
      client.exit(askerName, 'kill')
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED' })
      expect(await ended).toBe('killed')
      await expect.poll(() => client.whereis(askerName)).toBeDefined()
    })

    it('E6 [node] only what is wrong with the whole is an error of the whole', async () => {
      const notRun = { name: 'RpcError', outcome: 'not-run' }
      const each = client.rpcEach({ regions: ['no such/region'] }, whoAmI, 'in')
      await expect(each).rejects.toMatchObject({ code: 'ERR_BAD_REGION', ...notRun })
      const slow = client.rpcEach({ regions: 'all' }, whoAmI, 'in', { timeoutMs: -1 })
      await expect(slow).rejects.toMatchObject({ code: 'ERR_BAD_OPTIONS', ...notRun })
      const wide = client.rpcEach({ regions: 'all' }, whoAmI, 'in', { concurrency: 0 })
      await expect(wide).rejects.toMatchObject({ code: 'ERR_BAD_OPTIONS', ...notRun })
      const fn = client.rpcEach({ regions: 'all' }, whoAmI, (() => 1) as unknown as string)
      await expect(fn).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE', ...notRun })
      const cast =
        (input: unknown, region = 'syd', timeoutMs = 1) =>
        () =>
          client.rpcCast(region, notes, input as string, { timeoutMs })
      expect(cast('x', 'no such/region')).toThrow(expect.objectContaining({ code: 'ERR_BAD_REGION', ...notRun }))
      expect(cast('x', 'syd', 0)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTIONS', ...notRun }))
      expect(cast(() => 1)).toThrow(expect.objectContaining({ code: 'ERR_NOT_ENCODABLE', ...notRun }))
    })

    it('each reaches procedures on threads of their own', async () => {
      const results = await client.rpcEach({ regions: ['lax', 'syd'] }, threads.whereAmI, undefined)
      expect(results.map((one) => one.ok && !one.value.isMainThread)).toEqual([true, true])
    })

    it('E6 [node] a cast runs on one node, or on each of many, and answers nobody', async () => {
      const lateBefore = client.counters().lateReplies
      client.rpcCast('syd', notes, 'one')
      expect(await noted.next()).toMatchObject({ node: server.id, input: 'one' })
      client.rpcCast({ regions: 'all' }, notes, 'all')
      const seen = [await noted.next(), await noted.next(), await noted.next()]
      expect(seen.map((one) => one.node).toSorted()).toEqual([client.id, server.id, third.id].toSorted())
      await client.rpcEach({ regions: 'all' }, whoAmI, 'after them')
      expect(client.counters().lateReplies).toBe(lateBefore)
      expect(noted.waiting).toBe(0)
    })

    it('E6 [node] a cast that fails, or finds nobody, is no error here; it is counted and logged', async () => {
      const { castsNotRun } = client.counters()
      client.rpcCast('nowhere', notes, 'x')
      client.rpcCast({ nodes: ['nobody'] }, notes, 'x')
      client.rpcCast({ regions: ['lax'] }, onlyHere, undefined)
      expect(client.counters().castsNotRun).toBe(castsNotRun + 3)
      const { crashes } = server.counters()
      client.rpcCast('syd', notes, 'throw')
      const { ctx } = await noted.next()
      await expect.poll(() => server.counters().crashes).toBe(crashes + 1)
      expect(await server.watch(ctx.self)).toBe('noproc')
    })

    it('a cast does not end with the actor that made it, but at its own deadline', async () => {
      await client.call(askerName, 'cast', [])
      const { ctx } = await noted.next()
      client.exit(askerName, 'kill')
      await expect.poll(() => client.whereis(askerName)).toBeDefined()
      expect(await server.call(processesOf(server), 'whichChildren', [])).toHaveLength(1)
      server.exit(ctx.self, 'kill')
      client.rpcCast('syd', notes, 'wait', { timeoutMs: 20 })
      expect(await server.watch((await noted.next()).ctx.self)).toBe('timeout')
    })

    it('a cast does not end with the node that made it', async () => {
      const leaver = await pair.join(clientApp, 'ams')
      await knows(leaver, server, serverApp)
      leaver.rpcCast('syd', notes, 'wait', { timeoutMs: 60_000 })
      const { ctx } = await noted.next()
      await leaver.stop()
      await expect.poll(() => server.regionNodes('ams')).toEqual([])
      expect(await server.call(processesOf(server), 'whichChildren', [])).toHaveLength(1)
      const ended = server.watch(ctx.self)
      server.exit(ctx.self, 'kill')
      expect(await ended).toBe('killed')
    })
  })
}

function processesOf(node: Node) {
  const name = actorName<{ call: { whichChildren(): unknown[] }; cast: Record<never, never> }>('system.RpcProcesses')
  const pid = node.whereis(name)
  if (pid === undefined) throw new Error('no RpcProcesses')
  return pid
}
