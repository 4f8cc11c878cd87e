import { child, defineApp, procedure, RpcError, sometimes } from '@skerry/core'
import { type Client, defineSimulation, type Sim } from '@skerry/testing'
import { orderLog, orderLogName, readOrders } from './order-log.ts'
import { KeyLedger } from './key-ledger.ts'
import { ProcessLedger } from './process-ledger.ts'

const owner = 'syd-1'
const ledger = new ProcessLedger()
const keys = new KeyLedger(ledger.census, ledger.complaints)

interface Order {
  /** Names the call, for the ledger. */
  readonly id: string
  /** Names the order: the same at each try. */
  readonly order: string
}

interface Receipt {
  readonly id: string
  /** Its place in the log. */
  readonly place: number
}

/** Writes it. Only the node with the database has it. */
const storeOrder = procedure({
  name: 'orders.store',
  async run(ctx, { id, order }: Order): Promise<Receipt> {
    const { life } = ledger.began(ctx, `${id}/store`)
    // Without a key nothing tells two runs of one call apart: then the runtime must not run it twice.
    const key = ctx.idempotencyKey ?? `${order} without a key ${ctx.self.serial}/${ctx.self.life}`
    return await keys.around(ctx, 'store', id, life, async () => ({
      id: `${id}/store`,
      place: await ctx.call(orderLogName, 'insert', [{ key, order }]),
    }))
  },
})

/** Takes an order on any node of the primary region, and has the database's node write it. */
const createOrder = procedure({
  name: 'orders.create',
  async run(ctx, input: Order): Promise<Receipt> {
    const { life } = ledger.began(ctx, input.id)
    const { idempotencyKey } = ctx
    const keyed = idempotencyKey !== undefined
    const options = keyed ? { idempotencyKey } : {}
    const store = (): Promise<Receipt> => ctx.rpc(owner, storeOrder, input, options)
    return await keys.around(ctx, 'create', input.id, life, async () => ({
      id: input.id,
      place: (await ledger.ask(`${input.id}/store`, store, keyed)).place,
    }))
  },
})

const frontApp = defineApp({ name: 'orders', children: [], procedures: [createOrder] })
const ownerApp = defineApp({
  name: 'orders',
  children: [child('orderLog', orderLog, [], { register: orderLogName })],
  procedures: [createOrder, storeOrder],
})

/** What the clients were told of one order. */
interface Told {
  place: number | undefined
  /** Whether any try may have stored it. */
  maybe: boolean
}

const told = new Map<string, Told>()

/**
 * Orders are written to the primary region, and tried again under their key when nobody can tell what became of them. An
 * acknowledged order is never lost, none is stored twice, and what was told "not-run" is not there. In one life of a node
 * nothing is begun under a key that runs already, or has given its result.
 */
export const orders = defineSimulation({
  name: 'orders',
  app: ({ name }) => (name === owner ? ownerApp : frontApp),
  regions: { syd: 2, lax: 2, fra: 1 },
  primary: 'syd',
  durationMs: 30_000,
  healMs: 30_000,
  faults: 'all',
  async workload(sim) {
    ledger.begin(sim)
    keys.begin()
    told.clear()
    await sim.clients(6, placeOrder, { thinkMs: [50, 600] })
  },
  invariants: [
    ledger.complaints.none('every call is told what became of it'),
    { id: 'orders are kept', atEnd: compare },
  ],
})

async function placeOrder(client: Client): Promise<void> {
  const order = client.op
  const state: Told = { place: undefined, maybe: false }
  told.set(order, state)
  // One order in four goes without a key, so it is tried once only.
  const keyed = client.random.fork('keyed').int(4) > 0
  const options = { timeoutMs: 500 + client.random.fork('time').int(3_000), ...(keyed && { idempotencyKey: order }) }
  for (let attempt = 1; ; attempt += 1) {
    const id = `${order}#${attempt}`
    try {
      const create = (): Promise<Receipt> => client.rpcPrimary(createOrder, { id, order }, options)
      state.place = (await ledger.ask(id, create, keyed)).place
      sometimes(state.maybe, 'swarm/an order was acknowledged after a try that nobody knew the end of')
      return
    } catch (error) {
      const notRun = error instanceof RpcError && error.outcome === 'not-run'
      state.maybe ||= !notRun
      if (attempt === 4 || !(error instanceof RpcError) || (!keyed && !notRun)) throw error
      await client.sleep(100 * attempt)
    }
  }
}

/** What the disk of the database's node holds, against what the clients were told. */
async function compare(sim: Sim): Promise<string | void> {
  const stored = await readOrders(sim.node(owner).files)
  const places = new Map<string, number>()
  for (const [place, { order }] of stored.entries()) {
    if (places.has(order)) return `the order ${order} is stored twice, at ${places.get(order)} and ${place}`
    places.set(order, place)
  }
  for (const [order, { place, maybe }] of told) {
    const found = places.get(order)
    if (place !== undefined && found !== place) {
      return `the order ${order} was acknowledged at place ${place} and is at ${found ?? 'none'}`
    }
    if (place === undefined && !maybe && found !== undefined)
      return `the order ${order} is stored and was told "not-run"`
  }
}
