import { auditOrders, crashDatabase, createOrder, database } from './contract.ts'

/** The write. Its idempotency key is stored with the order, in one transaction: a second try finds the first. */
export const createOrderHere = createOrder.implement({
  async run(ctx, { holdMs, ...order }) {
    const key = ctx.idempotencyKey ?? ctx.random.id()
    const stored = await ctx.call(database, 'insert', [order, key])
    if (holdMs > 0) await new Promise<void>((resolve) => void ctx.clock.after(holdMs, resolve))
    return stored
  },
})

export const auditOrdersHere = auditOrders.implement({ run: (ctx) => ctx.call(database, 'audit', []) })

export const crashDatabaseHere = crashDatabase.implement({
  async run(ctx) {
    await ctx.call(database, 'crash', [])
    return null
  },
})
