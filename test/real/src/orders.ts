import { actorName, child, defineApp, genServer, procedure, RuntimeError } from '@skerry/core'
import type { World, WorldClient } from './world.ts'

interface Order {
  readonly key: string
}

interface OrderLog {
  call: { insert(order: Order): number; all(): string[] }
  cast: Record<never, never>
}

const orderLogName = actorName<OrderLog>('orderLog')
const file = 'orders.log'

/** Keeps orders in a file, one a line, on disk before they are acknowledged. */
const orderLog = genServer({
  name: 'orderLog',
  async init(ctx) {
    const bytes = await ctx.files.read(file)
    const text = new TextDecoder().decode(bytes ?? new Uint8Array())
    // A line that was being written when the process ended was never acknowledged: it is overwritten whole.
    const keys = text.split('\n').slice(0, -1)
    const whole = keys.map((key) => `${key}\n`).join('')
    if (whole !== text) await ctx.files.write(file, new TextEncoder().encode(whole))
    return { keys }
  },
  call: {
    async insert(ctx, { key }: Order) {
      const known = ctx.state.keys.indexOf(key)
      if (known >= 0) return known
      await ctx.files.append(file, new TextEncoder().encode(`${key}\n`))
      await ctx.files.sync(file)
      return ctx.state.keys.push(key) - 1
    },
    all: (ctx) => [...ctx.state.keys],
  },
})

const createOrder = procedure({
  name: 'orders.create',
  run: (ctx, order: Order) => ctx.call(orderLogName, 'insert', [order]),
})
const listOrders = procedure({ name: 'orders.list', run: (ctx, _all: null) => ctx.call(orderLogName, 'all', []) })

export const ordersApp = defineApp({
  name: 'orders',
  children: [child('orderLog', orderLog, [], { register: orderLogName })],
  procedures: [createOrder, listOrders],
})

/** The cluster that the workload expects. */
export const regions = { syd: 1, lax: 1, fra: 1 } as const

/** Orders are placed while everything goes wrong that the two worlds can both do; then they are compared with the disk. */
export async function ordersUnderFaults(world: World): Promise<void> {
  await world.ready({ withinMs: 20_000 })
  const working = world.clients(6, placeOrder, { thinkMs: [20, 200] })
  for (const trouble of troubles) {
    await world.advance(700)
    await trouble(world)
  }
  await working
}

const troubles: readonly ((world: World) => Promise<void>)[] = [
  async (world) => {
    const heal = world.partition(['syd'], ['lax'])
    await world.advance(3_000)
    heal()
  },
  async (world) => {
    world.pause('lax-1', 2_500)
    await world.advance(3_000)
  },
  async (world) => {
    world.crash('syd-1')
    await world.advance(1_000)
    world.restart('syd-1')
    await world.advance(1_500)
  },
  async (world) => {
    const heal = world.partition(['fra'], ['syd'], { oneWay: true })
    // Long enough for both ends to declare the link dead.
    await world.advance(7_000)
    heal()
  },
]

async function placeOrder(client: WorldClient): Promise<void> {
  const order = { key: client.op }
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.rpcPrimary(createOrder, order, { timeoutMs: 2_000, idempotencyKey: order.key })
      return
    } catch (error) {
      // Clients of processes get the error as data, with the same fields.
      if (attempt === 5 || !(error instanceof RuntimeError)) throw error
      await client.sleep(100 * attempt)
    }
  }
}

/** Nothing acknowledged is lost, nothing is stored twice, and what was never run is not there. */
export async function ordersAreKept(world: World): Promise<string | undefined> {
  const stored: string[] = []
  let asked = false
  const ask = async (client: WorldClient): Promise<void> => {
    if (asked) return
    stored.push(...(await client.rpcPrimary(listOrders, null, { timeoutMs: 5_000 })))
    asked = true
  }
  const before = world.history.length
  await world.clients(1, ask)
  const orders = world.history.slice(0, before)
  const twice = stored.find((key, place) => stored.indexOf(key) !== place)
  if (twice !== undefined) return `the order ${twice} is stored twice`
  const acknowledged = orders.filter(({ outcome }) => outcome === 'ok')
  const lost = acknowledged.find(({ id }) => !stored.includes(id))
  if (lost !== undefined) return `the order ${lost.id} was acknowledged and is not stored`
  const maybe = new Set(orders.filter(({ outcome }) => outcome !== 'fail').map(({ id }) => id))
  const ghost = stored.find((key) => !maybe.has(key))
  if (ghost !== undefined) return `the order ${ghost} is stored, and every try was told that it was not run`
  if (acknowledged.length < 20) return `only ${acknowledged.length} orders were acknowledged: the test shows nothing`
}
