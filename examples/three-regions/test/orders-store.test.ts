import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import sqlite from 'node-sqlite3-wasm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openOrdersStore, type OrdersStore } from '../dist/orders-store.js'
import { type Child, killChildren, startChild } from './fixtures/child.ts'

// Real processes take their time to start, more so on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
let file: string
let store: OrdersStore | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-store-'))
  file = join(folder, 'data', 'orders.db')
})

afterEach(async () => {
  store?.close()
  store = undefined
  await killChildren()
  rmSync(folder, { recursive: true, force: true })
})

const rope = { sku: 'rope', quantity: 2 }

describe('orders', () => {
  beforeEach(() => {
    store = openOrdersStore(file)
  })

  it('are stored once per key, whoever asks again', () => {
    expect(store?.insert(rope, 'a')).toEqual({ id: '1', first: true })
    expect(store?.insert(rope, 'a')).toEqual({ id: '1', first: false })
    expect(store?.insert(rope, 'b')).toEqual({ id: '2', first: true })
    expect(store?.count()).toBe(2)
  })

  it('are still known by their key after a restart', () => {
    store?.insert(rope, 'a')
    store?.close()
    store = openOrdersStore(file)
    expect(store.insert(rope, 'a')).toEqual({ id: '1', first: false })
    expect(store.list()).toEqual([{ id: '1', ...rope, key: 'a' }])
  })

  it.each([
    { sku: 'sail', quantity: 2 },
    { sku: 'rope', quantity: 3 },
  ])('refuse a key that belongs to a different one (%j)', (different) => {
    store?.insert(rope, 'a')
    expect(() => store?.insert(different, 'a')).toThrow(expect.objectContaining({ code: 'ERR_KEY_REUSED' }))
    expect(store?.list()).toEqual([{ id: '1', ...rope, key: 'a' }])
    expect(store?.insert(rope, 'b')).toEqual({ id: '2', first: true })
  })

  it('are listed newest last, and no more than asked for', () => {
    for (const key of ['a', 'b', 'c']) store?.insert(rope, key)
    expect(store?.list(2).map(({ key }) => key)).toEqual(['b', 'c'])
  })

  it.each(['a\0b', '\ud800'])('refuse text that SQLite would not give back (%j)', (text) => {
    expect(() => store?.insert(rope, text)).toThrow(expect.objectContaining({ code: 'ERR_ORDER_TEXT' }))
    expect(() => store?.insert({ sku: text, quantity: 1 }, 'a')).toThrow(
      expect.objectContaining({ code: 'ERR_ORDER_TEXT' }),
    )
    expect(store?.insert({ sku: '⛵', quantity: 1 }, 'Ångström')).toMatchObject({ first: true })
    expect(store?.list()).toMatchObject([{ sku: '⛵', key: 'Ångström' }])
  })

  it('go on after SQLite refused one', () => {
    const half = { sku: 'rope', quantity: 1.5 }
    expect(() => store?.insert(half, 'a')).toThrow(expect.objectContaining({ code: 'ERR_DATABASE_FAILED' }))
    expect(store?.insert(rope, 'a')).toEqual({ id: '1', first: true })
  })
})

describe('opening and closing', () => {
  it('leaves nothing but the file', () => {
    openOrdersStore(file).close()
    expect(readdirSync(join(folder, 'data'))).toEqual(['orders.db'])
  })

  it('may be closed twice, and is of no use then', () => {
    const closed = openOrdersStore(file)
    closed.close()
    closed.close()
    expect(() => closed.insert(rope, 'a')).toThrow(expect.objectContaining({ code: 'ERR_DATABASE_FAILED' }))
  })

  it('does not keep a file that it could not open', () => {
    mkdirSync(join(folder, 'data'))
    writeFileSync(file, 'this is no database, and long enough to be taken for one'.repeat(100))
    const failed = expect.objectContaining({ code: 'ERR_DATABASE_FAILED' })
    expect(() => openOrdersStore(file)).toThrow(failed)
    expect(() => openOrdersStore(file)).toThrow(failed)
    expect(readdirSync(join(folder, 'data'))).toEqual(['orders.db'])
  })

  it('does not touch a file beside which another program left a rollback journal', () => {
    openOrdersStore(file).close()
    writeFileSync(`${file}-journal`, 'x')
    expect(() => openOrdersStore(file)).toThrow(expect.objectContaining({ code: 'ERR_DATABASE_FAILED' }))
  })

  it('refuses a file that a live process holds, and names the process', async () => {
    const holder = await ready()
    holder.say('open')
    expect(await holder.line()).toBe('open')
    const message = expect.stringContaining(`pid ${holder.pid}`) as string
    expect(() => openOrdersStore(file)).toThrow(expect.objectContaining({ code: 'ERR_DATABASE_IN_USE', message }))
    holder.say('close')
    expect(await holder.line()).toBe('closed')
    store = openOrdersStore(file)
  })

  it('takes over from a thread of this process that was ended, not from one that lives', async () => {
    mkdirSync(join(folder, 'data'))
    const worker = new Worker(new URL('fixtures/store-in-thread.mjs', import.meta.url), { workerData: file })
    await once(worker, 'message')
    expect(() => openOrdersStore(file)).toThrow(expect.objectContaining({ code: 'ERR_DATABASE_IN_USE' }))
    await worker.terminate()
    expect(existsSync(`${file}.lock`)).toBe(true)
    store = openOrdersStore(file)
    expect(store.list()).toMatchObject([{ key: 'from the thread' }])
  })
})

describe('after SIGKILL', () => {
  it('has every acknowledged order once, and at most the one that was on its way', async () => {
    const stored = new Map<string, string>()
    for (const round of ['a', 'b', 'c']) {
      const child = startChild('insert-orders.mjs', file, round)
      for (let i = 0; i < 20; i++) remember(stored, await child.line())
      await child.kill()
      for (const line of await child.rest()) remember(stored, line)
      expect(existsSync(`${file}.lock`)).toBe(true)
      const unheard = expectAllOnce(stored)
      expect(unheard.length).toBeLessThanOrEqual(1)
      for (const { key, id } of unheard) stored.set(key, id)
    }
    expect(stored.size).toBeGreaterThanOrEqual(60)
  })

  // The writes of the first two orders, and a few more: between any two of them a transaction is half-way.
  it('never shows half of a transaction, at whichever write it was killed', async () => {
    const stored = new Map<string, string>()
    const acknowledged: number[] = []
    for (let write = 1; write <= 16; write++) {
      const child = startChild('insert-orders.mjs', file, `w${write}`, String(write))
      const lines = await child.rest()
      acknowledged.push(lines.length)
      for (const line of lines) remember(stored, line)
      expect(existsSync(`${file}.lock`)).toBe(true)
      for (const { key, id } of expectAllOnce(stored)) stored.set(key, id)
    }
    // Or the kills were not where this test thinks they are.
    expect(acknowledged[0]).toBe(0)
    expect(acknowledged.at(-1)).toBeGreaterThan(0)
  })

  it('lets exactly one of several that start at once take over, round after round', async () => {
    let racers = [await ready()]
    for (let round = 0; round <= 4; round++) {
      for (const racer of racers) racer.say('open')
      const lines = await Promise.all(racers.map((racer) => racer.line()))
      expect(lines.filter((line) => line === 'open')).toHaveLength(1)
      const winner = racers[lines.indexOf('open')] as Child
      const losers = racers.filter((racer) => racer !== winner)
      const refused = expect.stringMatching(`^ERR_DATABASE_IN_USE .*pid ${winner.pid}$`) as string
      expect(lines.filter((line) => line !== 'open')).toEqual(losers.map(() => refused))

      for (const loser of losers) expect(await loser.line()).toBe('ready')
      racers = [...losers, await ready()]
      if (racers.length < 3) racers.push(await ready())
      await winner.kill()
      expect(existsSync(`${file}.lock`)).toBe(true)
    }
  })
})

async function ready(): Promise<Child> {
  const child = startChild('hold-store.mjs', file)
  expect(await child.line()).toBe('ready')
  return child
}

function remember(stored: Map<string, string>, line: string): void {
  const [key = '', id = ''] = line.split(' ')
  expect(id).toMatch(/^\d+$/)
  expect(stored.has(key)).toBe(false)
  stored.set(key, id)
}

/** Opens the store and checks it against what was acknowledged; returns what it has beyond that. */
function expectAllOnce(stored: ReadonlyMap<string, string>): { key: string; id: string }[] {
  const opened = openOrdersStore(file)
  const orders = opened.list(10_000)
  expect(opened.count()).toBe(orders.length)
  opened.close()
  expectSound()
  const found = new Map(orders.map(({ key, id }) => [key, id]))
  expect(found.size).toBe(orders.length)
  for (const [key, id] of stored) expect(found.get(key)).toBe(id)
  return orders.filter(({ key }) => !stored.has(key))
}

function expectSound(): void {
  const database = new sqlite.Database(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    expect(database.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  } finally {
    database.close()
  }
}
