import { RuntimeError } from '@skerry/core'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import sqlite from 'node-sqlite3-wasm'
import { claimDatabase, type DatabaseClaim } from './stale-lock.ts'
import { syncFolder } from './sync-folder.ts'

export interface Order {
  readonly sku: string
  /** A whole number. */
  readonly quantity: number
}

export interface StoredOrder extends Order {
  readonly id: string
  readonly key: string
}

export interface OrdersStore {
  /**
   * Stores an order, in one transaction; when it returns, the order is on the disk. The same order under the same key
   * again stores nothing and returns the first one's id with `first: false`, so a caller that did not hear the answer
   * may ask again. After any error but `ERR_KEY_REUSED` and `ERR_ORDER_TEXT` that is also the way to find out.
   *
   * - `ERR_KEY_REUSED`: the key belongs to a different order.
   * - `ERR_ORDER_TEXT`: the key or the sku has a NUL or half of a surrogate pair, which SQLite would cut or change.
   * - `ERR_DATABASE_FAILED`: SQLite refused, for example because the disk is full; its error is the `cause`.
   */
  insert(order: Order, key: string): { id: string; first: boolean }
  /** The newest orders, oldest of them first; at most `limit` (1,000 unless told). */
  list(limit?: number): StoredOrder[]
  count(): number
  /** Closes the file and lets the next one in. Calling it again does nothing. */
  close(): void
}

/**
 * Opens the file, and makes it and its folder if need be. All calls block this thread: give the actor that owns the
 * store a thread of its own.
 *
 * An acknowledged order survives a kill of the process at any moment, and a loss of power as far as the disk keeps what
 * it was told to sync: every commit is synced before `insert` returns (one to a few milliseconds on an SSD).
 *
 * Errors: those of `claimDatabase` (`ERR_DATABASE_IN_USE` while another thread or process has the file), and
 * `ERR_DATABASE_FAILED` if SQLite cannot open it.
 *
 * @example
 * const store = openOrdersStore('data/orders.db')
 * store.insert({ sku: 'rope', quantity: 2 }, 'order-17') // { id: '1', first: true }
 * store.insert({ sku: 'rope', quantity: 2 }, 'order-17') // { id: '1', first: false }
 */
export function openOrdersStore(file: string): OrdersStore {
  mkdirSync(dirname(file), { recursive: true })
  const claim = claimDatabase(file)
  try {
    return ordersStore(openDatabase(claim.file), claim)
  } catch (error) {
    claim.release()
    throw error
  }
}

type Database = InstanceType<typeof sqlite.Database>

function openDatabase(file: string): Database {
  refuseRollbackJournal(file)
  const isNew = !existsSync(file) || statSync(file).size === 0
  const database = attempt(`cannot open ${file}`, () => new sqlite.Database(file))
  try {
    attempt(`cannot open ${file}`, () => prepareDatabase(database, isNew))
    // The names of the file and of its log: SQLite syncs only their bytes here.
    syncFolder(dirname(file))
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * This build never rolls back after a crash in SQLite's default journal mode: it looks whether the lock directory is
 * there to tell a journal in use from one left behind, and finds its own. (Tried: the half of an update that had
 * reached the file was there after the kill.) So the store writes a log ahead instead, whose recovery needs no lock,
 * and does not touch a file that only a rollback could save.
 */
function refuseRollbackJournal(file: string): void {
  if (!existsSync(`${file}-journal`)) return
  const message = `another program left ${file}-journal, which this SQLite build cannot roll back; open the file with the sqlite3 shell once`
  throw new RuntimeError('ERR_DATABASE_FAILED', message)
}

function prepareDatabase(database: Database, isNew: boolean): void {
  // First of all: only an exclusive connection may use the log without the shared memory that this build lacks. It also
  // keeps the lock directory from here to the end.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  // The switch of a new file to the log would itself go through a rollback journal; nothing is lost if that one fails.
  if (isNew) database.exec('PRAGMA journal_mode = MEMORY')
  const mode = database.get('PRAGMA journal_mode = WAL')?.['journal_mode']
  if (mode !== 'wal') throw new Error(`SQLite stays in journal mode ${JSON.stringify(mode)}`)
  // Sync the log at every commit, not only at checkpoints: NORMAL would lose the last orders with the power.
  database.exec('PRAGMA synchronous = FULL')
  database.exec(`CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE
  ) STRICT`)
}

function ordersStore(database: Database, claim: DatabaseClaim): OrdersStore {
  return {
    insert: (order, key) => {
      refuseLossyText(key)
      refuseLossyText(order.sku)
      return transaction(database, () => insertOnce(database, order, key))
    },
    list: (limit = 1_000) => {
      const newest = 'SELECT id, sku, quantity, idempotency_key FROM orders ORDER BY id DESC LIMIT ?'
      const rows = attempt('cannot list orders', () => database.all(newest, [limit]))
      return rows.reverse().map(storedOrder)
    },
    count: () => Number(attempt('cannot count orders', () => database.get('SELECT count(*) AS n FROM orders'))?.['n']),
    close: () => {
      if (!database.isOpen) return
      // If this fails, the claim stays with this thread: the lock directory may still be there.
      attempt('cannot close the database', () => database.close())
      claim.release()
    },
  }
}

/** The build hands text to SQLite as a C string: `a\0b` and `a\0c` would be one key. */
function refuseLossyText(text: string): void {
  if (!text.includes('\0') && Buffer.from(text).toString() === text) return
  throw new RuntimeError(
    'ERR_ORDER_TEXT',
    `cannot store ${JSON.stringify(text)}: it has a NUL or half of a surrogate pair`,
  )
}

function insertOnce(database: Database, { sku, quantity }: Order, key: string): { id: string; first: boolean } {
  // Looking first, because an insert that meets the constraint uses up an id. The constraint is there all the same.
  const row = database.get('SELECT id, sku, quantity, idempotency_key FROM orders WHERE idempotency_key = ?', [key])
  if (row === null) {
    const insert = 'INSERT INTO orders (sku, quantity, idempotency_key) VALUES (?, ?, ?)'
    return { id: String(database.run(insert, [sku, quantity, key]).lastInsertRowid), first: true }
  }
  const stored = storedOrder(row)
  if (stored.sku === sku && stored.quantity === quantity) return { id: stored.id, first: false }
  throw new RuntimeError('ERR_KEY_REUSED', `the key ${key} belongs to order ${stored.id}, which is a different one`)
}

// The convenience methods prepare a statement for each use. One that is kept fails once more after an error, and holds
// the file open after close() until it is finalized.
function storedOrder(row: object): StoredOrder {
  // The table is STRICT, so a column has the type it was declared with.
  const { id, sku, quantity, idempotency_key: key } = row as OrderRow
  return { id: String(id), sku, quantity: Number(quantity), key }
}

/** Integers come as bigint only beyond the safe ones. */
interface OrderRow {
  readonly id: number | bigint
  readonly sku: string
  readonly quantity: number | bigint
  readonly idempotency_key: string
}

function transaction<Result>(database: Database, body: () => Result): Result {
  return attempt('cannot store the order', () => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = body()
      database.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite has already rolled back after some errors, a full disk among them.
      if (database.inTransaction) database.exec('ROLLBACK')
      throw error
    }
  })
}

/** SQLite's own errors carry no code. */
function attempt<Result>(what: string, body: () => Result): Result {
  try {
    return body()
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    throw new RuntimeError(
      'ERR_DATABASE_FAILED',
      `${what}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
}
