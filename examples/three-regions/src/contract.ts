import { actorName, contract } from '@skerry/core'
import { z } from 'zod'

// What the regions agree on. Callers import this file and no server code.

export const createOrder = contract({
  name: 'orders.create',
  input: z.object({
    sku: z.string().min(1),
    quantity: z.number().int().positive(),
    /** Demo only: holds the answer back after the order is stored, so that something can happen in between. */
    holdMs: z.number().int().nonnegative().default(0),
  }),
  output: z.object({ id: z.string(), first: z.boolean() }),
})

export const auditOrders = contract({
  name: 'orders.audit',
  input: z.null(),
  output: z.object({ stored: z.number(), keys: z.array(z.string()) }),
})

export const crashDatabase = contract({ name: 'demo.crash-database', input: z.null(), output: z.null() })
export const countPrimes = contract({
  name: 'work.count-primes',
  input: z.object({ below: z.number().int().positive() }),
  output: z.object({ primes: z.number(), thread: z.number(), regionsSeenThere: z.array(z.string()) }),
})
export const spinForEver = contract({ name: 'demo.spin', input: z.null(), output: z.null() })
export const waitForEver = contract({ name: 'demo.wait', input: z.null(), output: z.null() })

/** The protocol of the database actor, and its name on the primary's node. */
export interface Database {
  call: {
    insert(order: { sku: string; quantity: number }, key: string): { id: string; first: boolean }
    audit(): { stored: number; keys: string[] }
    crash(): never
  }
  cast: Record<never, never>
}
export const database = actorName<Database>('database')

/** The protocol of the cache actor, and its name on the other nodes. */
export interface Cache {
  call: { size(): number }
  cast: { remember(key: string, id: string): void }
}
export const cache = actorName<Cache>('cache')
