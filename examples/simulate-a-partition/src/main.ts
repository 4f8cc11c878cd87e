import { acknowledgedIsKept, atMostOnce, simulate, type SimulationDefinition, SimulationFailure } from '@skerry/testing'
import { shop, storeName } from './shop.ts'

/** Twenty seconds of a shop in three regions whose connections break. The only table is on `syd-1`. */
function orders(keyed: boolean): SimulationDefinition {
  const { app, checkout } = shop({ keyed })
  let stored: string[] = []
  return {
    name: keyed ? 'fixed shop' : 'shop',
    app,
    regions: { syd: 1, lax: 1, fra: 1 },
    primary: 'syd',
    seeds: 50,
    durationMs: 20_000,
    faults: { partition: true, reset: true },
    async workload(sim) {
      await sim.clients(
        4,
        (client) =>
          client.rpcRegion(client.home.region, checkout, { cart: client.op, sku: 'tea' }, { timeoutMs: 4_000 }),
        { thinkMs: [200, 3_000] },
      )
      stored = (await sim.node('syd-1').up.call(storeName, 'all', [])).map(({ cart }) => cart)
    },
    invariants: [
      { id: 'no order is stored twice', atEnd: (sim) => atMostOnce(sim.history, { done: stored }) },
      { id: 'no order is lost', atEnd: (sim) => acknowledgedIsKept(sim.history, { done: stored }) },
    ],
  }
}

// First the shop with the bug. The shrinker is bounded by runs, not by time, so that it ends alike on every machine.
const found = await simulate(orders(false), { shrink: { runs: 150, timeMs: 600_000 } }).then(
  () => undefined,
  (error: unknown) => error,
)
if (!(found instanceof SimulationFailure) || found.simCase === undefined) {
  throw new Error('the bug was not found', { cause: found })
}
console.log(`${found.message}\n`)

// Then the one that hands on a key with each try.
const { seeds } = await simulate(orders(true))

const { seed, faults } = found.simCase
const shrunk = faults.length === 1 ? '1 fault' : `${faults.length} faults`
console.log(`the bug was found at seed ${seed} and shrunk to ${shrunk}; the fixed app passed ${seeds} seeds`)
