import { expect, it } from 'vitest'
import { DetectorPace } from '../../src/mesh/detector-pace.ts'

it('an ask that comes 0.4 s later than the next tick was due shows for how long the node stood still', () => {
  const pace = new DetectorPace(0)
  expect([1_000, 2_400, 3_800, 5_201].map((now) => pace.asks(now))).toEqual([0, 0, 0, 401])
})

it('while somebody is suspected an ask is due sooner, and is planned once', () => {
  const pace = new DetectorPace(0)
  expect(pace.isWatching).toBe(false)
  expect([pace.watch(100), pace.isWatching]).toEqual([250, true])
  pace.watchEnds()
  expect(pace.isWatching).toBe(false)
  expect(pace.asks(1_350)).toBe(1_000)
  expect(pace.watch(1_400, 0)).toBe(0)
  expect(pace.asks(1_801)).toBe(401)
  expect(pace.asks(2_801)).toBe(0)
})
