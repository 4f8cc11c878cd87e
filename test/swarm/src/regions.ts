import { defineApp, procedure, sometimes } from '@skerry/core'
import { type Client, defineSimulation, type Sim } from '@skerry/testing'
import { ProcessLedger } from './process-ledger.ts'
import { unlessOverloaded } from './unless-overloaded.ts'

const ledger = new ProcessLedger()
const regionNames = ['syd', 'lax', 'fra', 'nrt']
const convergeMs = 20_000

interface Where {
  readonly id: string
  readonly node: string
  readonly life: number
}

/** Says who ran it. */
const whoAreYou = procedure({
  name: 'regions.who',
  run(ctx, id: string): Where {
    ledger.began(ctx, id)
    return { id, node: ctx.self.node, life: ctx.self.life }
  },
})

/**
 * Nodes come, go, come back as new lives and lose sight of each other, under all faults. Healed, all region tables soon
 * name exactly the nodes that run, no older life is believed, and every node reaches every other by name and by region.
 */
export const regions = defineSimulation({
  name: 'regions',
  app: defineApp({ name: 'regions', children: [], procedures: [whoAreYou] }),
  regions: { syd: 2, lax: 2, fra: 1, nrt: 1 },
  durationMs: 25_000,
  healMs: 45_000,
  faults: 'all',
  async workload(sim) {
    ledger.begin(sim)
    await Promise.all([sim.clients(4, askSomewhere, { thinkMs: [50, 800] }), stopSome(sim)])
    await converge(sim)
  },
  invariants: [
    ledger.complaints.none('every call is told what became of it'),
    { id: 'a table is never absurd', check: checkTables, everyMs: 250 },
    { id: 'every node reaches every other', atEnd: reachAll },
  ],
})

async function askSomewhere(client: Client): Promise<void> {
  const region = regionNames[client.random.fork('region').int(regionNames.length)] as string
  const { node } = await ledger.ask(client.op, () => client.rpcRegion(region, whoAreYou, client.op))
  if (!node.startsWith(`${region}-`))
    ledger.complaints.add(`${client.op} was meant for ${region} and was run by ${node}`)
}

/** Stops a node in order now and then, and boots it again: others must believe the new life, not the old farewell. */
async function stopSome(sim: Sim): Promise<void> {
  for (let round = 0; sim.phase === 'safety'; round += 1) {
    const random = sim.random.fork(`stop/${round}`)
    await sim.advance(1_000 + random.int(6_000))
    const node = sim.nodes[random.int(sim.nodes.length)]
    const up = node?.node
    if (node === undefined || up === undefined || sim.phase !== 'safety') continue
    await Promise.race([up.stop(), sim.advance(10_000)])
    await sim.advance(random.int(4_000))
    sim.restart(node.name)
  }
}

function checkTables(sim: Sim): string | void {
  for (const { name, region, up } of sim.running) {
    for (const other of regionNames) {
      const wrong = up.regionNodes(other).find((node) => !node.startsWith(`${other}-`))
      if (wrong !== undefined) return `${name} believes that ${wrong} is in ${other}`
    }
    if (up.myRegion !== region || up.regionOf(name) !== region) return `${name} does not know where it is`
  }
}

async function converge(sim: Sim): Promise<void> {
  await sim
    .until(() => sim.running.length > 0 && differences(sim).length === 0, {
      withinMs: convergeMs,
      what: 'equal region tables',
    })
    .catch((error: unknown) => {
      throw new Error(`${String(error)}: ${differences(sim).join('; ')}`)
    })
  sometimes(
    sim.running.some(({ lives }) => lives > 1),
    'swarm/the tables converged on a later life',
  )
}

/** In what the tables of the running nodes differ from the truth. */
function differences(sim: Sim): string[] {
  return sim.running.flatMap(({ name, up }) =>
    regionNames.flatMap((region) => {
      const there = sim.running.filter((node) => node.region === region).map((node) => node.name)
      const seen = up.regionNodes(region)
      const unfit = there.filter((node) => !up.isRpcSupported(node, whoAreYou))
      if (seen.toSorted().join() === there.join() && unfit.length === 0) return []
      return [`${name} sees [${seen.join()}] in ${region}, which has [${there.join()}]; unfit [${unfit.join()}]`]
    }),
  )
}

async function reachAll(sim: Sim): Promise<string | void> {
  for (const { name: from, up } of sim.running) {
    for (const { name, up: other } of sim.running) {
      const id = `${from} to ${name}`
      const { node, life } = await unlessOverloaded(sim, () => ledger.ask(id, () => up.rpc(name, whoAreYou, id)))
      if (node !== name || life !== other.life) return `${id} was answered by life ${life} of ${node}`
    }
    for (const region of up.regions()) {
      const id = `${from} to region ${region}`
      const { node } = await unlessOverloaded(sim, () => ledger.ask(id, () => up.rpcRegion(region, whoAreYou, id)))
      if (!node.startsWith(`${region}-`)) return `${id} was answered by ${node}`
    }
  }
}
