import { describe, expect, it } from 'vitest'
import { backoffDelayMs } from '../../src/base/backoff.ts'

const options = { firstMs: 100, maxMs: 5_000 }

describe('a backoff delay', () => {
  it('doubles its bound with each try', () => {
    expect([0, 1, 2, 3].map((attempt) => backoffDelayMs(attempt, options, 1))).toEqual([100, 200, 400, 800])
  })

  it('keeps half of the bound whatever chance says', () => {
    expect([0, 1, 2, 3].map((attempt) => backoffDelayMs(attempt, options, 0))).toEqual([50, 100, 200, 400])
    expect(backoffDelayMs(0, options, 0.5)).toBe(75)
  })

  it('leaves to chance what its jitter says', () => {
    expect([0, 0.5, 1].map((chance) => backoffDelayMs(1, { ...options, jitter: 0 }, chance))).toEqual([200, 200, 200])
    expect([0, 0.5, 1].map((chance) => backoffDelayMs(1, { ...options, jitter: 1 }, chance))).toEqual([0, 100, 200])
  })

  it('never exceeds the most, after however many tries', () => {
    for (const attempt of [6, 30, 31, 1_000, 1e9]) expect(backoffDelayMs(attempt, options, 1)).toBe(5_000)
  })

  it('never exceeds the most on the first try either', () => {
    expect(backoffDelayMs(0, { firstMs: 1_000, maxMs: 10 }, 1)).toBe(10)
  })
})
