import {
  defineApp,
  memoryTransport,
  type Node,
  procedure,
  type RpcError,
  startNode,
  streamProcedure,
} from '@skerry/core'
import type { Transport } from '@skerry/core/transport'
import { type ManualPlatform, manualPlatform } from '@skerry/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'
import type { LoadLimits } from '../../src/rpc/load-limits.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { keepsOnPool } from '../fixtures/thread-procedures.mjs'
import { knows, newMeshName, quiet } from './two-nodes.ts'

const begun = new Sightings<{ readonly node: string; readonly release: () => void }>()

const onlyOne = procedure({
  name: 'one.at.a.time',
  maxInFlight: 1,
  maxWaiting: 0,
  run: (ctx) => new Promise<string>((resolve) => begun.add({ node: ctx.node, release: () => resolve(ctx.node) })),
})
const queued = procedure({
  name: 'one.and.a.queue',
  maxInFlight: 1,
  run: (ctx, _name: string) =>
    new Promise<string>((resolve) => begun.add({ node: ctx.node, release: () => resolve(ctx.node) })),
})
const keeps = procedure({ name: 'keeps', run: (_ctx, _input: unknown) => new Promise<string>(() => undefined) })
const keepsStream = streamProcedure({
  name: 'keeps.stream',
  async *run(_ctx, _input: unknown) {
    await new Promise(() => undefined)
    yield 1
  },
})
const counts = procedure({ name: 'counts', run: (_ctx, input: unknown[]) => input.length })
const worksMs = 100
const worksAtATime = 2
const works = { done: 0 }
/** Takes its time, of which a node has enough for so many at a time. */
const worksForLong = procedure({
  name: 'works.for.long',
  maxInFlight: worksAtATime,
  run: (ctx) =>
    new Promise<void>((resolve) => {
      ctx.clock.after(worksMs, () => {
        works.done += 1
        resolve()
      })
    }),
})
const nowhere = procedure({ name: 'nowhere', run: () => 1 })
const serverApp = defineApp({
  name: 'server',
  children: [],
  procedures: [onlyOne, queued, keeps, keepsStream, keepsOnPool, counts],
})
const onVirtualServers = defineApp({ name: 'server', children: [], procedures: [worksForLong] })
const clientApp = defineApp({ name: 'client', children: [] })

describe('a node that has as many calls as it takes', () => {
  it('[node] refuses a call as not run, and counts it', async () => {
    const { client, servers } = await startNodes(1)
    const first = client.rpcRegion('syd', onlyOne, undefined)
    const { release } = await begun.next()
    const refused = client.rpcRegion('syd', onlyOne, undefined)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
    expect(servers[0]?.counters().overloads).toBe(1)
    release()
    expect(await first).toBe(servers[0]?.id)
  })

  it('[node] is left for another node of the region, which runs the call', async () => {
    const { client, servers } = await startNodes(2)
    const calls = [1, 2].map(() => client.rpcRegion('syd', onlyOne, undefined))
    const running = [await begun.next(), await begun.next()]
    expect(new Set(running.map(({ node }) => node)).size).toBe(2)
    for (const { release } of running) release()
    expect(new Set(await Promise.all(calls))).toEqual(new Set(servers.map(({ id }) => id)))
  })

  it('[node] lets a call wait for its turn', async () => {
    const { client, servers } = await startNodes(1)
    const calls = ['first', 'second'].map((name) => client.rpcRegion('syd', queued, name))
    for (let turn = 0; turn < 2; turn += 1) (await begun.next()).release()
    expect(await Promise.all(calls)).toEqual([servers[0]?.id, servers[0]?.id])
  })

  it('[node] gives waiting calls back as not run when it stops, and finishes what runs', async () => {
    const { client, servers } = await startNodes(1)
    const running = client.rpcRegion('syd', queued, 'first')
    const { release } = await begun.next()
    const waiting = client.rpcRegion('syd', queued, 'second')
    const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_DRAINING', outcome: 'not-run' })
    // Behind the second call on the same link, so that it has arrived when this is answered.
    await expect(client.rpc(servers[0]?.id as string, nowhere, undefined)).rejects.toThrow()
    const stopped = servers[0]?.stop()
    await refused
    release()
    expect(await running).toBe(servers[0]?.id)
    await stopped
    // That it leaves is no overload.
    expect(servers[0]?.counters().overloads).toBe(0)
  })
})

describe('two nodes that are asked for four times what they can do', () => {
  it.each([400, 2_000])(
    '[node] do at least four fifths of that for callers who have %i ms, and nothing for those who have given up',
    async (timeoutMs) => {
      const { client, platform } = await startInVirtualTime()
      const perSecond = (2 * worksAtATime * 1_000) / worksMs
      const seconds = 2
      const before = { ...works }
      let inTime = 0
      const failures = new Set<string>()
      const calls: Promise<void>[] = []
      for (let made = 0; made < 4 * perSecond * seconds; made += 1) {
        const call = client.rpcRegion('syd', worksForLong, undefined, { timeoutMs }).then(
          () => void (inTime += 1),
          ({ code, outcome }: RpcError) => void failures.add(`${code} ${outcome}`),
        )
        calls.push(call)
        await platform.advance(1_000 / (4 * perSecond))
      }
      const done = works.done - before.done
      expect(inTime / (perSecond * seconds)).toBeGreaterThan(0.8)
      // What was begun was not in vain.
      expect(inTime / done).toBeGreaterThan(0.95)
      await platform.advance(timeoutMs)
      await Promise.all(calls)
      expect([...failures]).toEqual(['ERR_OVERLOADED not-run'])
    },
  )
})

describe('what inputs become when they are decoded', () => {
  // Some 450 bytes that take 20 KiB: 300 lists, each with its place in another.
  const lists = (): unknown[] => Array.from({ length: 300 }, () => [])

  it.each([
    ['on main', keeps],
    ['of streams on main', keepsStream],
    ['on a thread of the pool', keepsOnPool],
  ] as const)('[node] counts until their calls are over, %s', async (_where, kept) => {
    const { client, servers } = await startNodes(1, { perPeerBytesMax: 100_000 })
    const ask = (signal?: AbortSignal): Promise<unknown> => {
      const options = signal === undefined ? {} : { signal }
      if (kept === keepsStream) return client.stream('syd', keepsStream, lists(), options).next()
      return client.rpcRegion('syd', kept as typeof keeps, lists(), options)
    }
    const controllers = [1, 2, 3, 4].map(() => new AbortController())
    const running = controllers.map(({ signal }) => ask(signal).catch((error: RpcError) => error.code))
    // Four take 24,064 bytes each.
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
    controllers[0]?.abort()
    expect(await running[0]).toBe('ERR_RPC_ABORTED')
    await expect.poll(() => outcomeOf(ask(AbortSignal.timeout(50)))).toBe('ERR_RPC_ABORTED unknown')
    for (const controller of controllers) controller.abort()
    await Promise.all(running)
    const { overloads } = servers[0]?.counters() ?? {}
    if (kept !== keepsOnPool) expect(overloads).toBeGreaterThan(0)
  })

  it('[node] is taken from one alone whatever it is, and from the own node', async () => {
    const { client, servers } = await startNodes(1, { perPeerBytesMax: 1_024, bytesMax: 1_024 })
    expect(await client.rpcRegion('syd', counts, lists())).toBe(300)
    const own = [1, 2, 3].map(() => (servers[0] as Node).rpcRegion('syd', counts, lists()))
    expect(await Promise.all(own)).toEqual([300, 300, 300])
  })
})

describe('the limits of a node', () => {
  it.each([{ inFlightMax: 0 }, { waitingMax: -1 }, { perPeerMax: 1.5 }])('refuse %j', async (load) => {
    await expect(startNode(clientApp, { load })).rejects.toMatchObject({ code: 'ERR_BAD_CONFIG' })
  })
})

async function startNodes(count: number, load: Partial<LoadLimits> = {}): Promise<{ client: Node; servers: Node[] }> {
  const hub = newMeshName()
  const servers: Node[] = []
  for (let left = count; left > 0; left -= 1) {
    servers.push(
      await startNode(
        serverApp,
        quiet({ region: 'syd', cluster: 'tests', transport: memoryTransport({ hub }), threadPool: { size: 1 }, load }),
      ),
    )
  }
  const client = await startNode(
    clientApp,
    quiet({ region: 'lax', cluster: 'tests', transport: memoryTransport({ hub }) }),
  )
  onTestFinished(async () => {
    await Promise.all([...servers, client].map((node) => node.stop()))
  })
  for (const server of servers) await knows(client, server, serverApp)
  return { client, servers }
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    return String(await call)
  } catch (error) {
    const { code, outcome } = error as RpcError
    return `${code} ${outcome}`
  }
}

/** A client in `lax` and two servers in `syd`. */
async function startInVirtualTime(): Promise<{ client: Node; platform: ManualPlatform }> {
  const hub = newMeshName()
  const platform = manualPlatform({ seed: 1 })
  const nodes: Node[] = []
  onTestFinished(async () => {
    const stopping = Promise.all(nodes.map((node) => node.stop()))
    await platform.advance(30_000)
    await stopping
  })
  for (const [seed, region] of [
    [2, 'syd'],
    [3, 'syd'],
    [4, 'lax'],
  ] as const) {
    const on = manualPlatform({ seed, beside: platform })
    const transport = (): Transport => createMemoryTransport({ hub, id: `node ${seed}` })
    const app = region === 'syd' ? onVirtualServers : clientApp
    const starting = startNode(app, quiet({ platform: on, region, primaryRegion: 'syd', cluster: 'tests', transport }))
    await platform.settle()
    nodes.push(await starting)
  }
  await platform.advance(3_000)
  return { client: nodes[2] as Node, platform }
}
