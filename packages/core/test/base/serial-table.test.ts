import { describe, expect, it } from 'vitest'
import { SerialTable } from '../../src/base/serial-table.ts'

describe('a table by serials', () => {
  it('holds what a Map would, through any sequence of sets and deletes', () => {
    let state = 1
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (const spread of [40, 1_000, 100_000]) {
      const table = new SerialTable<number>()
      const map = new Map<number, number>()
      for (let step = 0; step < 20_000; step += 1) {
        // Some far beyond 32 bits, which share their lower ones with others.
        const key = random(spread) + (random(3) === 0 ? 2 ** 52 : 0)
        if (random(2) === 0) {
          table.set(key, step)
          map.set(key, step)
        } else if (table.delete(key) !== map.delete(key)) expect.fail(`step ${step}: delete ${key}`)
        if (table.get(key) !== map.get(key) || table.size !== map.size) expect.fail(`step ${step}: after ${key}`)
      }
      expect(table.entries()).toEqual([...map].sort(([left], [right]) => left - right))
    }
  })

  it('gives a long run of serials back one by one, in the time that a test has', () => {
    const table = new SerialTable<number>()
    for (let key = 0; key < 300_000; key += 1) table.set(key, key)
    let deleted = 0
    for (let key = 0; key < 300_000; key += 1) if (table.delete(key)) deleted += 1
    expect([deleted, table.size, table.entries()]).toEqual([300_000, 0, []])
  })

  it('finds an entry that stays while a million others come and go', () => {
    const table = new SerialTable<string>()
    table.set(5, 'stays')
    for (let key = 6; key < 1_000_000; key += 1) {
      table.set(key, 'goes')
      table.delete(key)
    }
    expect([table.get(5), table.size]).toEqual(['stays', 1])
  })
})
