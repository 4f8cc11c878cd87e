import { expect, it } from 'vitest'
import { TokenBucket } from '../../src/mesh/token-bucket.ts'

it('is a burst, then so many a second, and never more than a burst', () => {
  const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, 0)
  expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([true, true, true, false])
  expect(bucket.waitMs(0)).toBe(500)
  expect([400, 500, 500].map((now) => bucket.take(now))).toEqual([false, true, false])
  expect(bucket.take(60_000, 4)).toBe(false)
  expect(bucket.take(60_000, 3)).toBe(true)
})

it('what is charged beyond what is left is owed, at most a burst of it', () => {
  const bucket = new TokenBucket({ burst: 4, perSecond: 2 }, 0)
  bucket.charge(0, 6)
  expect([bucket.left(0), bucket.waitMs(0)]).toEqual([-2, 1_500])
  bucket.charge(0, 100)
  expect(bucket.left(0)).toBe(-4)
  expect(bucket.take(2_500)).toBe(true)
})

it('a clock that stands still or goes back fills nothing', () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 1_000 }, 100)
  expect([bucket.take(100), bucket.take(50), bucket.take(50)]).toEqual([true, false, false])
})
