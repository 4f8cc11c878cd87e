import { expect, it } from 'vitest'
import { calledForthRate, OwnNewsPace } from '../../src/mesh/own-news-pace.ts'
import { newsRate } from '../../src/mesh/record-rate.ts'

it('the first words are said at once, the next one later, for all that came meanwhile', () => {
  const pace = new OwnNewsPace(0)
  const first = Array.from({ length: calledForthRate.burst }, () => pace.calledForth(0))
  expect(new Set(first)).toEqual(new Set(['now']))
  expect([pace.calledForth(0), pace.calledForth(0), pace.isOwed]).toEqual([1_000, 'planned', true])
  expect([pace.cameDue(1_000), pace.isOwed]).toEqual([true, false])
  expect(pace.calledForth(1_000)).toBe(1_000)
})

it('what was said meanwhile for another reason answers it', () => {
  const pace = new OwnNewsPace(0)
  while (pace.calledForth(0) === 'now');
  pace.said()
  expect([pace.isOwed, pace.cameDue(1_000), pace.calledForth(1_000)]).toEqual([false, false, 'now'])
})

it('however much others say, it is less than is believed of a node', () => {
  const pace = new OwnNewsPace(0)
  let said = 0
  let dueAt = Infinity
  for (let now = 0; now <= 60_000; now += 10) {
    if (now >= dueAt && pace.cameDue(now)) said += 1
    if (now >= dueAt) dueAt = Infinity
    const waitMs = pace.calledForth(now)
    if (waitMs === 'now') said += 1
    else if (waitMs !== 'planned') dueAt = now + waitMs
  }
  expect(said).toBeGreaterThan(60)
  expect(said).toBeLessThanOrEqual(calledForthRate.burst + 60 * calledForthRate.perSecond)
  expect(calledForthRate.perSecond).toBeLessThan(newsRate.perSecond)
})
