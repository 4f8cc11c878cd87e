import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accusedBy,
  heldUp,
  isAvoided,
  isTooManyAvoided,
  type Suspicion,
  suspicionMs,
} from '../../src/mesh/suspicion.ts'

const sealed = Uint8Array.of(1)

describe('how long a suspicion lasts', () => {
  it('grows with the logarithm of the size, and is the shortest once three monitors agree', () => {
    expect([2, 10, 100, 1_000].map((size) => suspicionMs(3, size, 6, 1))).toEqual([1_500, 1_500, 3_000, 4_500])
    expect(suspicionMs(1, 10, 6, 1)).toBe(6_000)
    expect(suspicionMs(6, 10, 6, 1)).toBe(1_500)
  })

  it('needs no more agreement than there are monitors', () => {
    expect(suspicionMs(1, 2, 1, 1)).toBe(1_500)
    expect(suspicionMs(2, 3, 2, 1)).toBe(1_500)
  })

  it('never gets longer by another accuser, and never shorter by a larger cluster or more doubt', () => {
    const accusers = fc.integer({ min: 1, max: 8 })
    const size = fc.integer({ min: 2, max: 4_096 })
    const monitors = fc.integer({ min: 1, max: 6 })
    const doubt = fc.double({ min: 1, max: 5, noNaN: true })
    fc.assert(
      fc.property(accusers, size, monitors, doubt, (count, nodes, most, by) => {
        const lasts = suspicionMs(count, nodes, most, by)
        expect(suspicionMs(count + 1, nodes, most, by)).toBeLessThanOrEqual(lasts)
        expect(suspicionMs(count, nodes + 100, most, by)).toBeGreaterThanOrEqual(lasts)
        expect(suspicionMs(count, nodes, most, by + 0.5)).toBeGreaterThan(lasts)
        expect(lasts).toBeGreaterThanOrEqual(1_500)
      }),
    )
  })
})

describe('accusations', () => {
  const by = (accuser: string, version = 5, life = 1) => ({ accuser, version, life, sealed })

  it('of the same version add up, each accuser once', () => {
    const first = accusedBy(undefined, by('a'), 10)
    const second = accusedBy(first, by('b'), 20)
    expect([...second.accusers.keys()]).toEqual(['a', 'b'])
    expect(second.since).toBe(10)
    expect(accusedBy(second, by('a'), 30)).toBe(second)
  })

  it('of an older version are nothing, of a newer one or another life begin anew', () => {
    const first: Suspicion = accusedBy(undefined, by('a'), 10)
    expect(accusedBy(first, by('b', 4), 20)).toBe(first)
    for (const newer of [by('b', 6), by('b', 5, 2)]) {
      const anew = accusedBy(first, newer, 20)
      expect([anew.since, [...anew.accusers.keys()]]).toEqual([20, ['b']])
    }
  })

  it('are held up for half of the shortest suspicion, of any size, and once', () => {
    const suspicion = accusedBy(undefined, by('a'), 10)
    expect([10, 100, 1_000].map((size) => heldUp(suspicion, size, 5_000).heldUntil)).toEqual([5_750, 6_500, 7_250])
    const held = heldUp(suspicion, 100, 5_000)
    expect(heldUp(held, 100, 9_000)).toBe(held)
  })

  it('keep calls away from a node when two monitors agree, or all that it has', () => {
    expect([1, 2].map((accusers) => isAvoided(accusers, 6))).toEqual([false, true])
    expect(isAvoided(1, 1)).toBe(true)
    expect(isAvoided(0, 0)).toBe(false)
  })

  it('keep calls away from at most a third of the nodes', () => {
    expect([2, 3].map((avoided) => isTooManyAvoided(avoided, 6))).toEqual([false, true])
    expect([33, 34].map((avoided) => isTooManyAvoided(avoided, 100))).toEqual([false, true])
  })
})
