import {
  actorName,
  child,
  contract,
  defineApp,
  genServer,
  memoryTransport,
  type Node,
  type NodeOptions,
  type PrimaryError,
  procedure,
  startNode,
} from '@skerry/core'
import { prometheusText } from '@skerry/core/prometheus'
import { manualNode, recordedLog } from '@skerry/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Sightings } from '../fixtures/sightings.ts'
import { moveThere, primaryThere } from '../fixtures/thread-procedures.mjs'
import { told } from '../fixtures/told.ts'
import { knows, newMeshName, quiet } from '../rpc/two-nodes.ts'

const begun = new Sightings<() => void>()

const write = procedure({
  name: 'write',
  primaryOnly: true,
  run: (ctx) => ({ region: ctx.myRegion, epoch: ctx.primaryEpoch }),
})
/** Says, when it is let go on, what it knew at its beginning and what its node knows now. */
const slowWrite = procedure({
  name: 'write.slowly',
  primaryOnly: true,
  maxInFlight: 1,
  run: (ctx) =>
    new Promise<{ epoch: number; stillPrimary: boolean }>((resolve) => {
      begun.add(() => resolve({ epoch: ctx.primaryEpoch, stillPrimary: ctx.isPrimary }))
    }),
})
const checking = new Sightings<() => void>()
const schema = (validate: (value: unknown) => { value: unknown } | Promise<{ value: unknown }>) => ({
  '~standard': { version: 1 as const, vendor: 'tests', validate },
})
/** Its input is checked until the test lets it go on. */
const checkedWrite = contract({
  name: 'write.checked',
  input: schema((value) => new Promise((resolve) => checking.add(() => resolve({ value })))),
  output: schema((value) => ({ value })),
}).implement({
  primaryOnly: true,
  run: () => {
    throw new Error('it ran')
  },
})
const looker = genServer({
  name: 'looker',
  init: () => ({}),
  call: {
    look: (ctx) => ({ region: ctx.primaryRegion, epoch: ctx.primaryEpoch, here: ctx.isPrimary }),
    move: (ctx, region: string) => ctx.setPrimaryRegion(region),
  },
})
interface Looker {
  call: { look(): { region: string; epoch: number; here: boolean }; move(region: string): number }
  cast: object
}
const lookerName = actorName<Looker>('looker')
const app = defineApp({
  name: 'primary',
  children: [child('looker', looker, [], { register: lookerName })],
  procedures: [write, slowWrite, checkedWrite, moveThere, primaryThere],
})

describe('a node alone', () => {
  it('[local] changes its primary region in a new epoch, for its actors too', async () => {
    const { syd } = await startRegions(['syd'])
    expect([syd.primaryRegion, syd.primaryEpoch, syd.isPrimary]).toEqual(['syd', 0, true])
    expect(await syd.setPrimaryRegion('fra')).toBe(1)
    expect([syd.primaryRegion, syd.primaryEpoch, syd.isPrimary]).toEqual(['fra', 1, false])
    expect(await syd.call(lookerName, 'look', [])).toEqual({ region: 'fra', epoch: 1, here: false })
    expect(await syd.setPrimaryRegion('syd')).toBe(2)
  })

  it('[local] [thread] changes it by a word of an actor or of a procedure, on whatever thread', async () => {
    const { syd } = await startRegions(['syd'])
    expect(await syd.call(lookerName, 'move', ['fra'])).toBe(1)
    expect([syd.primaryRegion, syd.primaryEpoch]).toEqual(['fra', 1])
    const options = { timeoutMs: 30_000 }
    expect(await syd.rpcRegion('syd', moveThere, 'lax', options)).toEqual({ epoch: 2, region: 'lax' })
    expect([syd.primaryRegion, syd.primaryEpoch]).toEqual(['lax', 2])
    await expect(syd.call(lookerName, 'move', ['nearest'])).rejects.toMatchObject({ cause: { code: 'ERR_BAD_REGION' } })
  }, 60_000)

  it('[local] refuses what is no name of a region', async () => {
    const { syd } = await startRegions(['syd'])
    await expect(syd.setPrimaryRegion('primary')).rejects.toMatchObject({ code: 'ERR_BAD_REGION' })
    expect(syd.primaryEpoch).toBe(0)
  })

  it('[local] keeps the primary over a crash of the actors that know it', async () => {
    const { syd } = await startRegions(['syd'])
    await syd.setPrimaryRegion('fra')
    for (const id of ['mesh', 'RegionRegistry']) {
      const pid = (await syd.whichChildren('system')).find((one) => one.id === id)?.pid
      if (pid === undefined) throw new Error(id)
      const ended = syd.watch(pid)
      syd.exit(pid, 'kill')
      await ended
      expect([syd.primaryRegion, syd.primaryEpoch]).toEqual(['fra', 1])
    }
    expect(await syd.setPrimaryRegion('lax')).toBe(2)
  })
})

describe('several nodes', () => {
  it('[node] all follow a change, one that joins later too', async () => {
    const { syd, lax, start } = await startRegions(['syd', 'lax'])
    await lax.setPrimaryRegion('lax')
    await agree([syd, lax], 'lax', 1)
    const fra = await start('fra')
    await agree([fra], 'lax', 1)
    await syd.setPrimaryRegion('fra')
    await agree([syd, lax, fra], 'fra', 2)
    expect(await lax.rpcPrimary(write, undefined)).toEqual({ region: 'fra', epoch: 2 })
  })

  it('[node] know of it when they join after the node that made it is gone', async () => {
    const { syd, lax, start, stop } = await startRegions(['syd', 'lax'])
    await lax.setPrimaryRegion('fra')
    await agree([syd], 'fra', 1)
    await stop(lax)
    const fra = await start('fra')
    await agree([fra], 'fra', 1)
  })

  it('[node] agree after two changes at the same time', async () => {
    const { syd, lax } = await startRegions(['syd', 'lax'])
    const changes = await Promise.allSettled([syd.setPrimaryRegion('fra'), lax.setPrimaryRegion('nrt')])
    const won = syd.id > lax.id ? 'fra' : 'nrt'
    await agree([syd, lax], won, 1)
    const told = changes.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as PrimaryError)))
    // The loser is told which won if its node knew by then: see primary-outbid.
    const outbid = { code: 'ERR_PRIMARY_OUTBID', outcome: 'ran', primaryRegion: won, primaryEpoch: 1 }
    expect(told[won === 'fra' ? 0 : 1]).toBe(1)
    const loser = told[won === 'fra' ? 1 : 0]
    if (loser !== 1) expect(loser).toMatchObject(outbid)
  })

  it('[node] see a conflict of their configurations, until a change settles it: in the log, as an event, as a metric', async () => {
    const { start } = await startRegions([])
    const log = recordedLog()
    const events = told('skerry:primary.conflict')
    const syd = await start('syd', { log })
    expect(syd.primaryConflicts()).toEqual([])
    const lax = await start('lax', { primaryRegion: 'lax' })
    await syd.waitFor(() => syd.primaryConflicts().length > 0, 'the conflict')
    const others = [{ node: lax.id, primaryRegion: 'lax' }]
    expect(syd.primaryConflicts()).toEqual(others)
    expect(await conflictsIn(syd)).toBe(1)
    await lax.waitFor(() => lax.primaryConflicts().length > 0, 'the conflict')
    expect([syd.primaryRegion, lax.primaryRegion]).toEqual(['syd', 'lax'])
    await syd.setPrimaryRegion('syd')
    await agree([syd, lax], 'syd', 1)
    expect([...syd.primaryConflicts(), ...lax.primaryConflicts()]).toEqual([])
    await expect.poll(() => conflictsIn(syd)).toBe(0)
    const fields = { primaryRegion: 'syd', others, count: 1 }
    const settled = { primaryRegion: 'syd', others: [], count: 0 }
    expect(events.map(({ event }) => event).filter(({ node }) => node === syd.id)).toMatchObject([fields, settled])
    expect(log.entries.filter(({ message }) => message.includes('primary regions'))).toMatchObject([
      { level: 'error', fields, message: 'nodes are configured with different primary regions' },
      { level: 'info', message: 'the conflict of primary regions is settled' },
    ])
  })
})

describe('what is for the primary only', () => {
  it('[node] is refused elsewhere as not run', async () => {
    const { syd, lax } = await startRegions(['syd', 'lax'])
    const refused = { code: 'ERR_NOT_PRIMARY', outcome: 'not-run' }
    await expect(lax.rpc(lax.id, write, undefined)).rejects.toMatchObject(refused)
    await expect(syd.rpcRegion('lax', write, undefined)).rejects.toMatchObject(refused)
    expect(await lax.rpcPrimary(write, undefined)).toEqual({ region: 'syd', epoch: 0 })
  })

  it('[local] begins no thread where it is refused', async () => {
    const { node, settled, stop } = await manualNode({ app, region: 'syd' })
    onTestFinished(stop)
    // A manual platform has none, and would say so.
    const call = () => settled(node.rpcPrimary(primaryThere, undefined))
    await expect(call()).rejects.toMatchObject({ code: 'ERR_PROCESS_START', outcome: 'not-run' })
    await settled(node.setPrimaryRegion('lax'))
    const there = settled(node.rpc(node.id, primaryThere, undefined))
    await expect(there).rejects.toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
  })

  it('[node] is refused as not run when the primary changed while its input was being checked', async () => {
    const { syd, lax } = await startRegions(['syd', 'lax'])
    const call = lax.rpc(syd.id, checkedWrite, 1)
    const goOn = await checking.next()
    await syd.setPrimaryRegion('lax')
    goOn()
    await expect(call).rejects.toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
  })

  it('[node] goes on when the primary changes, with the epoch in which it began; what waits for its turn is refused', async () => {
    const { syd, lax } = await startRegions(['syd', 'lax'])
    const running = lax.rpc(syd.id, slowWrite, undefined)
    const release = await begun.next()
    const waiting = expect(lax.rpc(syd.id, slowWrite, undefined)).rejects.toMatchObject({ code: 'ERR_NOT_PRIMARY' })
    await syd.setPrimaryRegion('lax')
    release()
    expect(await running).toEqual({ epoch: 0, stillPrimary: false })
    await waiting
    expect(await syd.rpcPrimary(write, undefined)).toEqual({ region: 'lax', epoch: 1 })
  })
})

/** As a scrape tells. */
async function conflictsIn(node: Node): Promise<number> {
  return Number(/^skerry_primary_conflicts (\d+)$/m.exec(await prometheusText(node))?.[1])
}

async function agree(nodes: readonly Node[], region: string, epoch: number): Promise<void> {
  for (const node of nodes) {
    await node.waitFor(() => node.primaryRegion === region && node.primaryEpoch === epoch, `${region} as of ${epoch}`)
  }
}

interface Regions {
  readonly syd: Node
  readonly lax: Node
  start(region: string, options?: NodeOptions): Promise<Node>
  stop(node: Node): Promise<void>
}

/** Nodes of these regions that know each other; `syd` is the primary by configuration. */
async function startRegions(regions: readonly string[]): Promise<Regions> {
  const hub = newMeshName()
  const nodes: Node[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })
  const start = async (region: string, options: NodeOptions = {}): Promise<Node> => {
    const transport = memoryTransport({ hub })
    const node = await startNode(app, quiet({ region, primaryRegion: 'syd', transport, ...options }))
    for (const other of nodes) await Promise.all([knows(node, other, app), knows(other, node, app)])
    nodes.push(node)
    return node
  }
  const stop = async (node: Node): Promise<void> => {
    nodes.splice(nodes.indexOf(node), 1)
    await node.stop()
  }
  for (const region of regions) await start(region)
  return { syd: nodes[0] as Node, lax: nodes[1] as Node, start, stop }
}
