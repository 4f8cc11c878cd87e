import { expect, it } from 'vitest'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { ddmin } from '../../src/shrink/ddmin.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

it('finds the few that matter, in their order', async () => {
  const fails = (some: readonly number[]): Promise<boolean> =>
    Promise.resolve([40, 2, 17].every((n) => some.includes(n)))
  expect(await ddmin(numbers(50), fails)).toEqual([2, 17, 40])
})

it('finds the smallest list that there is, where more of them never helps to pass: as trying all would', async () => {
  for (let seed = 0; seed < 150; seed += 1) {
    const random = seededRandom(seed)
    const items = numbers(1 + random.int(9))
    // Fails where all of one of these groups are there.
    const groups = numbers(1 + random.int(3)).map(() => items.filter(() => random.int(3) === 0))
    const failsNow = (some: readonly number[]): boolean => groups.some((group) => group.every((n) => some.includes(n)))
    if (!failsNow(items)) continue
    const found = await ddmin(items, (some) => Promise.resolve(failsNow(some)))
    expect(failsNow(found)).toBe(true)
    // None of it can be left out, alone or with others.
    for (let subset = 0; subset < 2 ** found.length - 1; subset += 1) {
      const some = found.filter((_, index) => (subset & (1 << index)) !== 0)
      expect(failsNow(some)).toBe(false)
    }
    if (groups.length === 1) expect(found).toEqual(groups[0])
  }
})

it('finds a list of which no single one can be left out, also where more may help to pass', async () => {
  for (let seed = 0; seed < 150; seed += 1) {
    const random = seededRandom(seed)
    const items = numbers(2 + random.int(8))
    const whims = new Map<string, boolean>([[items.join(), true]])
    const failsNow = (some: readonly number[]): boolean => {
      const key = some.join()
      const known = whims.get(key) ?? random.fork(key).int(4) === 0
      whims.set(key, known)
      return known
    }
    const found = await ddmin(items, (some) => Promise.resolve(failsNow(some)))
    expect(failsNow(found)).toBe(true)
    if (found.length > 1) for (const one of found) expect(failsNow(found.filter((n) => n !== one))).toBe(false)
  }
})

it('asks first whether any of them matters', async () => {
  const asked: number[] = []
  expect(await ddmin(numbers(100), (some) => Promise.resolve(asked.push(some.length) > 0))).toEqual([])
  expect(asked).toEqual([0])
  expect(await ddmin([], () => Promise.reject(new Error('asked')))).toEqual([])
})

it('keeps all where all matter, and asks no more often than they are squared', async () => {
  let asked = 0
  expect(await ddmin(numbers(30), (some) => Promise.resolve((asked += 1) > 0 && some.length === 30))).toHaveLength(30)
  expect(asked).toBeLessThan(30 * 30)
})

it('keeps the best so far when the answers end', async () => {
  let left = 6
  const fails = (some: readonly number[]): Promise<boolean> => Promise.resolve(left-- > 0 && some.includes(3))
  const found = await ddmin(numbers(64), fails)
  expect(found).toContain(3)
  expect(found.length).toBeLessThan(64)
})
