import { actorName, child, defineApp, genServer, type Pid, procedure } from '@skerry/core'
import { defineSimulation, type Sim, type SimNode } from '@skerry/testing'
import { unlessOverloaded } from '../unless-overloaded.ts'

const regionNames = ['iad', 'sea', 'gru', 'lhr', 'fra', 'jnb', 'sin', 'nrt', 'syd', 'bom']
const perRegion = 6

interface CensusProtocol {
  call: {
    /** How many nodes it is connected to. */
    links(): number
    whoAreYou(): Pid<CensusProtocol>
    monitor(pid: Pid<CensusProtocol>): void
    downs(): number
  }
  cast: Record<never, never>
}

const censusName = actorName<CensusProtocol>('census')
const census = genServer({
  name: 'census',
  init: (ctx) => ({ linked: new Set(ctx.monitorNodes().map(({ node }) => node)), downs: 0 }),
  call: {
    links: (ctx): number => ctx.state.linked.size,
    whoAreYou: (ctx): Pid<CensusProtocol> => ctx.self as Pid<CensusProtocol>,
    monitor: (ctx, pid: Pid<CensusProtocol>): void => void ctx.monitor(pid),
    downs: (ctx): number => ctx.state.downs,
  },
  info: (ctx, message) => {
    if (typeof message !== 'object' || message === null || !('type' in message)) return
    const { type, node } = message as { type: string; node: string }
    if (type === 'nodeUp') ctx.state.linked.add(node)
    if (type === 'nodeDown') ctx.state.linked.delete(node)
    if (type === 'DOWN') ctx.state.downs += 1
  },
})
const who = procedure({ name: 'sparse.who', run: (ctx): string => ctx.self.node })
const findCensus = procedure({
  name: 'sparse.census',
  run: (ctx): Promise<Pid<CensusProtocol>> => ctx.call(censusName, 'whoAreYou', []),
})

/**
 * Sixty nodes are too many for links between all: each keeps a few, makes others for calls, and closes them when nothing
 * crosses them. Who dies is found dead by all, who stands still or is cut off from some is not, and nobody who runs is ever
 * believed dead by those who can reach it, whatever happens to others.
 */
export const sparseMesh = defineSimulation({
  name: 'sparse-mesh',
  app: defineApp({
    name: 'sparse',
    children: [child('census', census, [], { register: censusName })],
    procedures: [who, findCensus],
  }),
  regions: Object.fromEntries(regionNames.map((region) => [region, perRegion])),
  seeds: 3,
  durationMs: 300_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    await sim.ready()
    await closesIdleLinks(sim)
    await callsAcrossTheMesh(sim)
    await outlivesOneWayCut(sim)
    await outlivesManyPauses(sim)
    await findsTheDead(sim)
    await healsAfterCut(sim)
  },
})

/** Links that a monitor crosses stay, and it never fires. */
async function closesIdleLinks(sim: Sim): Promise<void> {
  const [watcher] = sim.nodes as [SimNode]
  const watched = sim.nodes.filter((_, at) => at % 6 === 3)
  for (const { name } of watched) {
    const pid = await unlessOverloaded(sim, () => watcher.up.rpc(name, findCensus, undefined))
    await watcher.up.call(censusName, 'monitor', [pid])
  }
  await sim.advance(50_000)
  const links = await linksOf(sim)
  const mean = links.reduce((sum, count) => sum + count, 0) / links.length
  if (mean > 14 || Math.max(...links) > 30) throw new Error(`links stayed: ${links.join(' ')}`)
  if (Math.min(...links) < 6) throw new Error(`too few links: ${links.join(' ')}`)
  const downs = await watcher.up.call(censusName, 'downs', [])
  if (downs > 0) throw new Error(`${downs} monitors fired although nobody died`)
}

async function callsAcrossTheMesh(sim: Sim): Promise<void> {
  const asked = sim.nodes.flatMap((node, at) => [7, 23, 41].map((step) => ({ node, to: sim.nodes[(at + step) % 60] })))
  await Promise.all(
    asked.map(async ({ node, to }) => {
      const name = (to as SimNode).name
      const answer = await unlessOverloaded(sim, () => node.up.rpc(name, who, undefined, { timeoutMs: 10_000 }))
      if (answer !== name) throw new Error(`${name} was answered by ${answer}`)
    }),
  )
}

/** A third of the others hears nothing of a node: those that do not, go on to know it. */
async function outlivesOneWayCut(sim: Sim): Promise<void> {
  const deaf = sim.nodes.filter((_, at) => at % 3 === 0).map(({ name }) => name)
  const end = sim.partition(['lhr-2'], deaf, { oneWay: true })
  await sim.advance(20_000)
  const hearing = sim.nodes.filter(({ name }) => !deaf.includes(name))
  await sim.until(() => hearing.every(({ up }) => up.regionOf('lhr-2') !== undefined), {
    withinMs: 5_000,
    what: 'the node that some can not hear to be known by the others',
  })
  end()
  await sim.ready({ withinMs: 20_000 })
}

/** A quarter of the nodes stands still at the same time. Those that run never lose one that runs. */
async function outlivesManyPauses(sim: Sim): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const paused = sim.nodes.filter((_, at) => at % 4 === round)
    for (const { name } of paused) sim.pause(name, 3_000 + round * 500)
    const running = sim.nodes.filter((node) => !paused.includes(node))
    for (let step = 0; step < 20; step += 1) {
      await sim.advance(250)
      for (const { name, up } of running) {
        const lost = running.filter((other) => up.regionOf(other.name) === undefined)
        if (lost.length > 0) throw new Error(`${name} lost ${lost.map((other) => other.name).join()}, which run`)
      }
    }
    await sim.ready({ withinMs: 20_000 })
  }
}

async function findsTheDead(sim: Sim): Promise<void> {
  sim.crash('gru-3', { silent: true })
  await sim.until(() => sim.running.every(({ up }) => up.regionOf('gru-3') === undefined), {
    withinMs: 7_000,
    what: 'the death to be known by all',
  })
  sim.restart('gru-3')
  await sim.ready({ withinMs: 10_000 })
}

async function healsAfterCut(sim: Sim): Promise<void> {
  const end = sim.partition(['lhr', 'fra', 'jnb'])
  await sim.advance(25_000)
  end()
  await sim.ready({ withinMs: 15_000 })
}

async function linksOf(sim: Sim): Promise<number[]> {
  return Promise.all(sim.nodes.map(({ up }) => up.call(censusName, 'links', [])))
}
