import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { doubt, type LocalHealth, mayAccuse, nextHealth, wellHealth } from '../../src/mesh/local-health.ts'

const quiet = { pausedMs: 0, lagMs: 0, silent: 0, subjects: 6 }

it('after a pause nobody is accused for a second, and doubt is longer the longer it was', () => {
  const short = nextHealth(wellHealth, { ...quiet, now: 5_000, pausedMs: 500 })
  const long = nextHealth(wellHealth, { ...quiet, now: 5_000, pausedMs: 3_000 })
  expect([short.score, long.score]).toEqual([1, 4])
  expect([5_000, 5_999, 6_000].map((now) => mayAccuse(long, now))).toEqual([false, false, true])
  expect(doubt(long)).toBeGreaterThan(doubt(short))
  expect(doubt(wellHealth)).toBe(1)
})

it('doubts itself when most of those that it watches are silent, but only so much: a cut must come to an end', () => {
  let health = wellHealth
  for (let now = 10_000; now < 30_000; now += 250) health = nextHealth(health, { ...quiet, now, silent: 4 })
  expect(health.score).toBe(2)
  expect(mayAccuse(health, 30_000)).toBe(true)
  expect(nextHealth(wellHealth, { ...quiet, now: 10_000, silent: 3 }).score).toBe(0)
  expect(nextHealth(wellHealth, { ...quiet, now: 10_000, silent: 2, subjects: 2 }).score).toBe(0)
})

it('forgives a point every two seconds', () => {
  let health = nextHealth(wellHealth, { ...quiet, now: 0, pausedMs: 2_000 })
  expect(health.score).toBe(3)
  for (let now = 250; now <= 6_000; now += 250) health = nextHealth(health, { ...quiet, now })
  expect(health.score).toBe(0)
})

it('doubts itself for as long as what it reads is old, the more the older it is', () => {
  const lagging = nextHealth(wellHealth, { ...quiet, now: 5_000, lagMs: 2_300 })
  expect(lagging.score).toBe(3)
  expect(nextHealth(lagging, { ...quiet, now: 9_000, lagMs: 400 }).score).toBe(3)
  expect(nextHealth(wellHealth, { ...quiet, now: 5_000, lagMs: 100 }).score).toBe(0)
  expect(mayAccuse(lagging, 5_000)).toBe(true)
})

it('stays between well and its bound, whatever happens', () => {
  const tick = fc.record({
    afterMs: fc.integer({ min: 0, max: 5_000 }),
    pausedMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })),
    lagMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20_000 })),
    silent: fc.integer({ min: 0, max: 20 }),
    subjects: fc.integer({ min: 0, max: 20 }),
  })
  fc.assert(
    fc.property(fc.array(tick, { maxLength: 60 }), (ticks) => {
      let health: LocalHealth = wellHealth
      let now = 0
      for (const { afterMs, ...rest } of ticks) {
        now += afterMs
        health = nextHealth(health, { now, ...rest })
        expect(health.score).toBeGreaterThanOrEqual(0)
        expect(health.score).toBeLessThanOrEqual(8)
        if (rest.pausedMs > 0) expect(mayAccuse(health, now)).toBe(false)
        expect(mayAccuse(health, now + 1_000)).toBe(true)
      }
    }),
  )
})

it('a point is forgiven after two seconds without a sign of sickness, and the next one two seconds later', () => {
  const sick = { score: 2, silentUntil: 0, changedAt: 1_000 }
  const well = (now: number): Parameters<typeof nextHealth>[1] => ({ ...quiet, now })
  expect(nextHealth(sick, well(2_999)).score).toBe(2)
  const better = nextHealth(sick, well(3_000))
  expect([better.score, nextHealth(better, well(4_999)).score, nextHealth(better, well(5_000)).score]).toEqual([
    1, 1, 0,
  ])
})
