import type { Clock } from '@skerry/core/platform'
import { describe, expect, it } from 'vitest'
import { authorRate, deafMs, GossipRates, uselessRate } from '../src/gossip-rates.ts'

describe('how often records are taken by gossip', () => {
  it('is so often at once and then so often a second for each author', () => {
    const { rates, pass } = world()
    const taken = (author: string, tries: number): number =>
      Array.from({ length: tries }, () => rates.take(author, 'via')).filter(Boolean).length
    expect(taken('a', 100)).toBe(authorRate.burst)
    expect(taken('b', 10)).toBe(10)
    pass(2_000)
    expect(taken('a', 100)).toBe(2 * authorRate.perSecond)
  })

  it('a neighbour that hands on much more is not listened to for a while; others are', () => {
    const { rates, pass } = world()
    for (let said = 0; said < authorRate.burst + uselessRate.burst; said += 1) rates.take('a', 'a')
    expect(rates.listensTo('a')).toBe(true)
    rates.take('a', 'a')
    expect([rates.listensTo('a'), rates.listensTo('b')]).toEqual([false, true])
    pass(deafMs)
    expect(rates.listensTo('a')).toBe(true)
    for (let said = 0; said <= uselessRate.burst; said += 1) rates.useless('b')
    expect(rates.listensTo('b')).toBe(false)
  })

  it('is known of so many authors: who was heard of longest ago is forgotten', () => {
    const { rates } = world()
    for (let said = 0; said < authorRate.burst; said += 1) rates.take('old', 'via')
    for (let author = 0; author < 4_095; author += 1) rates.take(`${author}`, 'via')
    expect(rates.take('old', 'via')).toBe(false)
    for (let author = 0; author < 4_096; author += 1) rates.take(`again ${author}`, 'via')
    expect(rates.take('old', 'via')).toBe(true)
  })
})

function world(): { rates: GossipRates; pass(ms: number): void } {
  let nowMs = 0
  const clock = { monotonic: () => nowMs } as Clock
  return { rates: new GossipRates(clock), pass: (ms) => void (nowMs += ms) }
}
