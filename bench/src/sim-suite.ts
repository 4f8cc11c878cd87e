import { actorName, child, defineApp, genServer, procedure } from '@skerry/core'
import { resolveCase, runCase, type RunOptions, type SimulationOptions } from '@skerry/testing'
import { type Pace, quantile } from './contest.ts'
import { type Row, rowOf, skerry } from './row.ts'

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
  const runs = Math.max(3, pace.rounds)
  await manyRuns(busy, 3)
  const plain: number[] = []
  const traced: number[] = []
  const unhashed: number[] = []
  // Seed by seed in turns, so that whatever else the machine does meets all of them.
  for (let seed = 0; seed < runs; seed += 1) {
    plain.push(nsEach(await oneRun(busy, seed)))
    traced.push(nsEach(await oneRun(busy, seed, { trace: true })))
    unhashed.push(nsEach(await oneRun(busy, seed, { hash: false })))
  }
  const base = median(plain)
  const fiveNodes = await manyRuns(quiet, runs * 3)
  const hundred = await manyRuns(grown(100, 4_000), 1)
  return [
    limit('events', 'events of a busy cluster of 5', 1e9 / base, 'events/s', '>=', 250_000),
    limit('speed-5', 'virtual time by real time, 5 nodes', fiveNodes.virtualMs / fiveNodes.ms, 'x', '>=', 1_000),
    limit('seeds', 'seeds of 5 nodes for 60 s', (fiveNodes.runs * 1_000) / fiveNodes.ms, 'seeds/s', '>=', 40),
    limit('speed-100', 'virtual time by real time, 100 nodes', hundred.virtualMs / hundred.ms, 'x', '>=', 100),
    limit('tracing', 'time of an event with the whole trace kept', median(traced) / base, 'x of without', '<=', 2),
    limit('hashing', 'time of an event with the hash', base / median(unhashed), 'x of without', '<=', 1.05),
  ]
}

interface Measured {
  readonly runs: number
  readonly ms: number
  readonly events: number
  readonly virtualMs: number
}

/** Different seeds, one after the other; the time of each run counts as often as the median one's. */
async function manyRuns(options: SimulationOptions, runs: number): Promise<Measured> {
  const all: Measured[] = []
  for (let seed = 0; seed < runs; seed += 1) all.push(await oneRun(options, seed))
  const sum = (figure: (run: Measured) => number): number => all.reduce((total, run) => total + figure(run), 0)
  const ms = median(all.map((run) => run.ms)) * runs
  return { runs, ms, events: sum((run) => run.events), virtualMs: sum((run) => run.virtualMs) }
}

async function oneRun(options: SimulationOptions, seed: number, runOptions: RunOptions = {}): Promise<Measured> {
  const started = performance.now()
  const { failure, events, virtualMs } = await runCase(options, resolveCase(options, seed), runOptions)
  const ms = performance.now() - started
  if (failure !== undefined) throw new Error(`seed ${seed}: ${failure.message}`)
  return { runs: 1, ms, events, virtualMs }
}

function nsEach({ ms, events }: Measured): number {
  return (ms * 1e6) / events
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values), 0.5)
}

/** As many nodes, in ten regions, which do nothing but know each other. */
function grown(nodes: number, durationMs: number): SimulationOptions {
  const names = ['iad', 'sea', 'sjc', 'gru', 'lhr', 'ams', 'fra', 'sin', 'nrt', 'syd']
  const regions = Object.fromEntries(names.map((name) => [name, nodes / names.length]))
  return { app: shop, regions, durationMs, healMs: 1_000 }
}

function limit(id: string, quantity: string, value: number, unit: string, compare: '>=' | '<=', bound: number): Row {
  const figures = new Map([[skerry, { value }]])
  return rowOf(figures, { id: `sim/${id}`, quantity, unit, figure: 'value', goals: [{ compare, factor: bound }] })
}
