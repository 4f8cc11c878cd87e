import { describe, expect, it } from 'vitest'
import { PeerVitals } from '../../src/mesh/peer-vitals.ts'

const limits = { heartbeatMs: 450, silentMs: 1_200, deadMs: 4_000, stuckMs: 2_000 }

describe('a peer', () => {
  it('is suspected when it is silent, and trusted again when something comes, which is said once', () => {
    const { vitals, beat } = observed()
    expect([beat(1_200), beat(1_201), beat(2_000)]).toEqual(['steady', 'suspect', 'steady'])
    expect(vitals.isSuspected).toBe(true)
    expect([vitals.heard(), vitals.heard()]).toEqual([true, false])
    expect(vitals.isSuspected).toBe(false)
    expect([beat(2_100), beat(6_100), beat(6_101)]).toEqual(['steady', 'suspect', 'dead'])
  })

  it('is stuck by its own word, and told of when that changes', () => {
    const { vitals } = observed()
    const note = (stuckMs?: number) => vitals.noteLoad({ load: 0.5, inFlight: 3, ...(stuckMs && { stuckMs }) })
    expect([note(), note(1_999), note(2_000), note(3_000), note()]).toEqual([false, false, true, false, true])
    expect([vitals.load, vitals.inFlight, vitals.isStuck]).toEqual([0.5, 3, false])
  })
})

describe('the round trip', () => {
  it('is smoothed, and what it is above the least shows our lag in reading', () => {
    const { vitals } = observed()
    expect(vitals.rttMs).toBeUndefined()
    expect(vitals.sampleRtt(20, 1, false)).toBeUndefined()
    expect(vitals.sampleRtt(100, 2, false)).toBeCloseTo(78.75)
    expect(vitals.rttMs, 'a lone one moves nothing').toBe(20)
    vitals.sampleRtt(100, 3, false)
    expect(vitals.rttMs).toBe(30)
    expect(vitals.sampleRtt(10, 4, false)).toBe(0)
    expect(vitals.lastPong).toEqual({ seq: 4, leastRttMs: 10 })
  })

  it('of a link that is new while we lag is not known', () => {
    const { vitals } = observed()
    expect(vitals.sampleRtt(900, 1, true)).toBeUndefined()
    expect([vitals.rttMs, vitals.lastPong]).toEqual([undefined, undefined])
    vitals.sampleRtt(20, 2, false)
    expect(vitals.sampleRtt(900, 3, true)).toBeGreaterThan(800)
  })

  it('tells the transport what the link needs at least after four samples, without those of a lag', () => {
    const { vitals, told } = observed()
    for (const [seq, sample] of [30, 25, 28].entries()) vitals.sampleRtt(sample, seq, false)
    vitals.sampleRtt(5, 4, true)
    expect(told).toEqual([])
    vitals.sampleRtt(40, 5, false)
    vitals.sampleRtt(24, 6, false)
    expect(told).toEqual([25])
    vitals.sampleRtt(10, 7, false)
    expect(told).toEqual([25, 10])
  })
})

function observed() {
  const told: number[] = []
  const vitals = new PeerVitals(limits, (ms) => told.push(ms))
  vitals.cameUp(0)
  const beat = (now: number) => vitals.judge({ now, pausedMs: 0, lagMs: 0 })
  return { vitals, told, beat }
}
