import { actorName, child, defineApp, genServer, procedure } from '@skerry/core'
import { resolveCase, runCase, type RunOptions, type SimulationOptions } from '@skerry/testing'
import { type Pace, quantile } from './contest.ts'
import type { Row } from './row.ts'

const database = actorName<{ call: { insert(order: string): number }; cast: Record<never, never> }>('db')
const store = genServer({
  name: 'store',
  init: () => ({ orders: [] as string[] }),
  call: { insert: (ctx, order: string) => ctx.state.orders.push(order) },
})
const createOrder = procedure({
  name: 'orders.create',
  run: (ctx, order: string) => ctx.call(database, 'insert', [order]),
})
const shop = defineApp({
  name: 'shop',
  children: [child('db', store, [], { register: database })],
  procedures: [createOrder],
})

/** One quiet minute of virtual time on five nodes in three regions, as most of a swarm is. */
const quiet: SimulationOptions = {
  app: shop,
  regions: { syd: 2, lax: 2, fra: 1 },
  primary: 'syd',
  durationMs: 60_000,
  healMs: 5_000,
  workload: async (sim) => {
    await sim.ready()
    await sim.clients(4, (client) => client.rpcPrimary(createOrder, client.op), { thinkMs: [1_000, 3_000] })
  },
}
/** The same minute with eight clients that hardly pause. */
const busy: SimulationOptions = {
  ...quiet,
  workload: async (sim) => {
    await sim.ready()
    await sim.clients(8, (client) => client.rpcPrimary(createOrder, client.op), { thinkMs: [1, 200] })
  },
}

/** How fast a cluster is simulated, with the real runtime in it. */
export async function simSuite(pace: Pace): Promise<Row[]> {
  const runs = Math.max(2, Math.round(pace.rounds / 2))
  await manyRuns(busy, runs)
  const plain = await manyRuns(busy, runs)
  const traced = await manyRuns(busy, runs, { trace: true })
  const unhashed = await manyRuns(busy, runs, { hash: false })
  const plainAgain = await manyRuns(busy, runs)
  const fiveNodes = await manyRuns(quiet, runs * 4)
  const hundred = await manyRuns(grown(100, 4_000), 1)
  const isQuick = pace.rounds < 5
  const thousand = isQuick ? undefined : await manyRuns(grown(1_000, 1_000), 1)
  const nsEach = (run: Measured): number => (run.ms * 1e6) / run.events
  const base = Math.min(nsEach(plain), nsEach(plainAgain))
  return [
    limit('events', 'events of a busy cluster of 5', 1e9 / base, 'events/s', '>=', 250_000),
    limit('speed-5', 'virtual time by real time, 5 nodes', fiveNodes.virtualMs / fiveNodes.ms, 'x', '>=', 1_000),
    limit('seeds', 'seeds of 5 nodes for 60 s', (fiveNodes.runs * 1_000) / fiveNodes.ms, 'seeds/s', '>=', 40),
    limit('speed-100', 'virtual time by real time, 100 nodes', hundred.virtualMs / hundred.ms, 'x', '>=', 100),
    ...(thousand === undefined
      ? []
      : [
          limit('speed-1000', 'virtual time by real time, 1,000 nodes', thousand.virtualMs / thousand.ms, 'x', '>=', 5),
          limit('memory-1000', 'resident memory with 1,000 nodes', thousand.rssMiB, 'MiB', '<=', 2_048),
        ]),
    limit('tracing', 'time of an event with the whole trace kept', nsEach(traced) / base, 'x of without', '<=', 2),
    limit('hashing', 'time of an event with the hash', base / nsEach(unhashed), 'x of without', '<=', 1.05),
  ]
}

interface Measured {
  readonly runs: number
  readonly ms: number
  readonly events: number
  readonly virtualMs: number
  readonly rssMiB: number
}

/** Different seeds, one after the other; the time of each run counts as often as the median one's. */
async function manyRuns(options: SimulationOptions, runs: number, runOptions: RunOptions = {}): Promise<Measured> {
  const times = new Float64Array(runs)
  let events = 0
  let virtualMs = 0
  for (let seed = 0; seed < runs; seed += 1) {
    const started = performance.now()
    const result = await runCase(options, resolveCase(options, seed), runOptions)
    times[seed] = performance.now() - started
    if (result.failure !== undefined) throw new Error(`seed ${seed}: ${result.failure.message}`)
    events += result.events
    virtualMs += result.virtualMs
  }
  const rssMiB = process.memoryUsage.rss() / 2 ** 20
  return { runs, ms: quantile(times, 0.5) * runs, events, virtualMs, rssMiB }
}

/** As many nodes, in ten regions, which do nothing but know each other. */
function grown(nodes: number, durationMs: number): SimulationOptions {
  const names = ['iad', 'sea', 'sjc', 'gru', 'lhr', 'ams', 'fra', 'sin', 'nrt', 'syd']
  const regions = Object.fromEntries(names.map((name) => [name, nodes / names.length]))
  return { app: shop, regions, durationMs, healMs: 1_000 }
}

function limit(id: string, quantity: string, value: number, unit: string, compare: '>=' | '<=', bound: number): Row {
  return {
    id: `sim/${id}`,
    quantity,
    value: Number(value.toPrecision(4)),
    unit,
    versus: {},
    goal: `${compare} ${bound.toLocaleString('en-US')} ${unit}`,
    ok: compare === '>=' ? value >= bound : value <= bound,
  }
}
