import { expect, it } from 'vitest'
import { NoticeRates, noticesRate, threadDownsRate } from '../../src/mesh/notice-rates.ts'

it('more threads lost than a node has are a violation; other notices are dropped beyond their rate, of each peer', () => {
  const rates = new NoticeRates(10)
  const judged = (type: 'threadDown' | 'resting', times: number): string[] =>
    Array.from({ length: times }, () => rates.judge('a', type, 0))
  expect(new Set(judged('threadDown', threadDownsRate.burst))).toEqual(new Set(['take']))
  expect(judged('threadDown', 1)).toEqual(['violation'])
  expect(new Set(judged('resting', noticesRate.burst))).toEqual(new Set(['take']))
  expect(judged('resting', 1)).toEqual(['drop'])
  expect([rates.judge('b', 'threadDown', 0), rates.judge('b', 'draining', 0)]).toEqual(['take', 'take'])
  expect(rates.judge('a', 'resting', 1_000)).toBe('take')
})
