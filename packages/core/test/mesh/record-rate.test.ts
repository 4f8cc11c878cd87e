import { describe, expect, it } from 'vitest'
import { NodeRates } from '../../src/mesh/record-rate.ts'

describe('the rate of a node', () => {
  it('is a burst, and then so many a second', () => {
    const rates = new NodeRates({ burst: 3, perSecond: 2 }, 10)
    const take = (now: number): boolean => rates.take('a', now)
    expect([take(0), take(0), take(0), take(0)]).toEqual([true, true, true, false])
    expect([take(400), take(500), take(500)]).toEqual([false, true, false])
    expect([take(60_000), take(60_000), take(60_000), take(60_000)]).toEqual([true, true, true, false])
  })

  it('is its own, and those of too many nodes begin anew', () => {
    const rates = new NodeRates({ burst: 1, perSecond: 1 }, 2)
    expect(['a', 'b', 'a', 'c', 'b'].map((node) => rates.take(node, 0))).toEqual([true, true, false, true, true])
    expect(rates.take('c', 0)).toBe(false)
  })
})
