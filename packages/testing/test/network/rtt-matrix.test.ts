import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { azureRegions } from '../../src/network/azure-rtt.ts'
import { rttBetween } from '../../src/network/rtt-matrix.ts'

describe('rttBetween', () => {
  it('says by default what was measured, for every ordered pair of the 24 regions', () => {
    const csv = readFileSync(new URL('../../data/rtt.csv', import.meta.url), 'utf8')
    const measured = csv.split('\n').filter((line) => /^[a-z]{3},/.test(line))
    const rtt = rttBetween()
    const said = measured.map((line) => {
      const [from = '', to = '', , , ...names] = line.split(',')
      const { p50Ms, p95Ms } = rtt(from, to)
      return [from, to, p50Ms, p95Ms, ...names].join(',')
    })
    expect(said).toEqual(measured)
    expect(azureRegions).toHaveLength(24)
    expect(measured).toHaveLength(24 * 23)
  })

  it('falls back for regions that it does not know, and has one latency inside a region', () => {
    const rtt = rttBetween()
    expect(rtt('local', 'iad').p50Ms).toBe(80)
    expect(rtt('constructor', 'toString').p50Ms).toBe(80)
    expect(rtt('eu', 'eu').p50Ms).toBe(0.6)
    expect(rtt('syd', 'syd').p50Ms).toBe(0.6)
  })

  it('scales what lies between regions', () => {
    const rtt = rttBetween({ scale: 1.5, unknownRegionMs: 10, intraRegionMs: 2 })
    expect(rtt('iad', 'ord')).toEqual({ p50Ms: 28.5, p95Ms: 39 })
    expect(rtt('local', 'ord').p50Ms).toBe(15)
    expect(rtt('ord', 'ord').p50Ms).toBe(2)
  })

  it('takes a matrix of medians or percentiles, in each direction, and falls back where it says nothing', () => {
    const rtt = rttBetween({ rtt: { a: { b: 40, a: 3 }, b: { a: { p50Ms: 50, p95Ms: 90 } } } })
    expect(rtt('a', 'b').p50Ms).toBe(40)
    expect(rtt('a', 'b').p95Ms).toBeCloseTo(42.2)
    expect(rtt('b', 'a')).toEqual({ p50Ms: 50, p95Ms: 90 })
    expect(rtt('a', 'a').p50Ms).toBe(3)
    expect(rtt('b', 'b').p50Ms).toBe(0.6)
    expect(rtt('a', 'c').p50Ms).toBe(80)
  })

  it('takes a function', () => {
    const rtt = rttBetween({ rtt: (from, to) => (from === to ? 1 : 7) })
    expect([rtt('a', 'a').p50Ms, rtt('a', 'b').p50Ms]).toEqual([1, 7])
  })

  it.each([
    ['a negative one', { rtt: () => -1 }],
    ['none', { rtt: () => Number.NaN }],
    ['a 95th percentile below the median', { rtt: () => ({ p50Ms: 2, p95Ms: 1 }) }],
    ['a scale below zero', { scale: -1 }],
  ])('refuses a time that is no time: %s', (_what, options) => {
    expect(() => rttBetween(options)('a', 'b')).toThrow(expect.objectContaining({ code: 'ERR_BAD_SIMULATION' }))
  })
})
