import { actorName, type AppDefinition, child, defineApp, genServer, procedure, RpcError } from '@skerry/core'

export interface Order {
  /** The cart that it came from. */
  readonly cart: string
  readonly sku: string
}

interface StoredOrder {
  readonly key: string | undefined
  readonly order: Order
}

export const storeName = actorName<{ call: { insert(stored: StoredOrder): number; all(): Order[] }; cast: {} }>('store')

/** The orders table. Its column `key` is unique: the same key again gets the number of the first. */
const orderStore = genServer({
  name: 'orderStore',
  init: () => ({ rows: [] as StoredOrder[] }),
  call: {
    insert({ state: { rows } }, { key, order }: StoredOrder): number {
      const known = key === undefined ? -1 : rows.findIndex((row) => row.key === key)
      return known === -1 ? rows.push({ key, order }) : known + 1
    },
    all: (ctx) => ctx.state.rows.map(({ order }) => order),
  },
})

/** Runs in the primary region, beside the table. */
const storeOrder = procedure({
  name: 'orders.store',
  run: (ctx, order: Order) => ctx.call(storeName, 'insert', [{ key: ctx.idempotencyKey, order }]),
})

/** Runs where the customer is, and tries again when the way to the primary region fails. `keyed`: under a key. */
function checkoutProcedure(keyed: boolean) {
  return procedure({
    name: 'orders.checkout',
    async run(ctx, order: Order): Promise<number> {
      const options = { timeoutMs: 1_000, ...(keyed && { idempotencyKey: `cart ${order.cart}` }) }
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await ctx.rpcPrimary(storeOrder, order, options)
        } catch (error) {
          // The bug, when there is no key: "unknown" is tried again as if it were "not-run".
          if (!(error instanceof RpcError) || attempt === 3) throw error
        }
      }
    },
  })
}

export function shop({ keyed }: { readonly keyed: boolean }) {
  const checkout = checkoutProcedure(keyed)
  const app: AppDefinition = defineApp({
    name: 'shop',
    children: [child('store', orderStore, [], { register: storeName })],
    procedures: [checkout, storeOrder],
  })
  return { app, checkout }
}
