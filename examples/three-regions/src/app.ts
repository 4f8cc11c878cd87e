import { type AppDefinition, child, defineApp, supervisor } from '@skerry/core'
import { cache, database } from './contract.ts'
import { ordersDatabase } from './database.ts'
import { orderCache } from './order-cache.ts'
import { auditOrdersHere, crashDatabaseHere, createOrderHere } from './orders.ts'
import { countPrimesHere, spinForEverHere, waitForEverHere } from './work.ts'

const work = [countPrimesHere, spinForEverHere, waitForEverHere]

/** The app of one region: the primary owns the database, the others keep a cache; every region works. */
export function shop(isPrimary: boolean, file: string): AppDefinition {
  const storage = isPrimary
    ? [child('database', ordersDatabase, [file], { register: database, thread: 'own' })]
    : [child('cache', orderCache, [], { register: cache })]
  return defineApp({
    name: 'shop',
    strategy: 'restForOne',
    children: [supervisor('storage', { children: storage })],
    procedures: isPrimary ? [createOrderHere, auditOrdersHere, crashDatabaseHere, ...work] : work,
  })
}
