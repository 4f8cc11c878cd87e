import { describe, expect, it } from 'vitest'
import { oneWayOf, sampleUs } from '../../src/network/latency.ts'
import { rttBetween } from '../../src/network/rtt-matrix.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'

const samples = 20_000

function sampled(from: string, to: string): number[] {
  const random = seededRandom(7, `${from}-${to}`)
  const oneWay = oneWayOf(rttBetween()(from, to))
  return Array.from({ length: samples }, () => 2 * sampleUs(oneWay, random.int(2 ** 32))).toSorted((a, b) => a - b)
}

describe('sampleUs', () => {
  it.each([
    ['iad', 'syd'],
    ['lhr', 'hkg'],
    ['ord', 'iad'],
    ['fra', 'fra'],
  ])('takes as long as was measured, at the median and the 95th percentile: %s to %s', (from, to) => {
    const { p50Ms, p95Ms } = rttBetween()(from, to)
    const all = sampled(from, to)
    const ratioP50 = (all[samples / 2] as number) / (p50Ms * 1_000)
    const ratioP95 = (all[Math.floor(samples * 0.95)] as number) / (p95Ms * 1_000)
    expect(ratioP50).toBeGreaterThan(0.98)
    expect(ratioP50).toBeLessThan(1.02)
    expect(ratioP95).toBeGreaterThan(0.97)
    expect(ratioP95).toBeLessThan(1.03)
  })

  it('gives whole microseconds, and about one in a thousand that take 5 to 20 times as long', () => {
    const { p50Ms } = rttBetween()('ord', 'iad')
    const all = sampled('ord', 'iad')
    expect(all.every((us) => Number.isInteger(us) && us > 0)).toBe(true)
    const slow = all.filter((us) => us > p50Ms * 1_000 * 4)
    expect(slow.length).toBeGreaterThan(samples / 2_000)
    expect(slow.length).toBeLessThan(samples / 500)
    expect(slow.at(-1)).toBeLessThan(p50Ms * 1_000 * 22)
  })

  it('adds at most a second each way, however far', () => {
    expect(sampled('gru', 'sin').at(-1)).toBeLessThan(2_500_000)
  })
})
