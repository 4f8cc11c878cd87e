import { genServer } from '@skerry/core'
import { type Order, openOrdersStore } from './orders-store.ts'

/**
 * Owns the file of orders. It runs on a thread of its own, because SQLite blocks; and it traps exits, so that the file
 * is closed at shutdown.
 */
export const ordersDatabase = genServer({
  module: import.meta,
  name: 'ordersDatabase',
  trapExit: true,
  init: (_ctx, file: string) => ({ store: openOrdersStore(file) }),
  call: {
    insert: (ctx, order: Order, key: string) => ctx.state.store.insert(order, key),
    audit: (ctx) => ({ stored: ctx.state.store.count(), keys: ctx.state.store.list().map((order) => order.key) }),
    crash: (): never => {
      throw new Error('the demo asked the database actor to crash')
    },
  },
  terminate: (ctx) => ctx.state.store.close(),
})
