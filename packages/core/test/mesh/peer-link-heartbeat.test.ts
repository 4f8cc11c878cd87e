import { describe, expect, it } from 'vitest'
import {
  firstBeatLog,
  judgePulse,
  leastRtt,
  middleRtt,
  nextBeat,
  nextLag,
  noLag,
  type Pulse,
  roundTripMs,
  smoothRtt,
} from '../../src/mesh/heartbeat.ts'

const limits = { heartbeatMs: 500, silentMs: 2_000, deadMs: 5_000 }

describe('beats', () => {
  it('time the echo of any recent beat, and of no other', () => {
    let log = firstBeatLog
    for (let now = 0; now < 50_000; now += 500) log = nextBeat(log, now, 500).log
    expect(roundTripMs(log, log.seq, 49_530)).toBe(30)
    expect(roundTripMs(log, log.seq - 1, 49_530)).toBe(530)
    expect(roundTripMs(log, log.seq - 90, 49_530)).toBeUndefined()
    expect(roundTripMs(log, log.seq + 1, 49_530)).toBeUndefined()
  })

  it('are a pause only when late by more than an interval, and a pause is no round-trip time', () => {
    const first = nextBeat(firstBeatLog, 1_000, 500).log
    expect(nextBeat(first, 1_990, 500).pausedMs).toBe(0)
    const late = nextBeat(first, 11_500, 500)
    expect(late.pausedMs).toBe(10_000)
    expect(roundTripMs(late.log, first.seq, 11_510)).toBeUndefined()
    expect(roundTripMs(late.log, late.log.seq, 11_510)).toBe(10)
  })

  it('smooth round-trip times towards new samples', () => {
    expect(smoothRtt(undefined, 80)).toBe(80)
    expect(smoothRtt(80, 160)).toBe(90)
  })

  it('measure the middle one of three, so that a segment that was lost moves nothing, and a longer path does', () => {
    expect(middleRtt(80, undefined, undefined)).toBe(80)
    expect([middleRtt(380, 80, undefined), middleRtt(80, 380, undefined)]).toEqual([80, 80])
    expect([middleRtt(80, 380, 79), middleRtt(380, 80, 79), middleRtt(79, 80, 380)]).toEqual([80, 80, 80])
    expect(middleRtt(380, 381, 80)).toBe(380)
  })
})

describe('a pulse', () => {
  it('is suspected once, then dead, and well again when something is heard', () => {
    let pulse: Pulse = { heardAt: 0, suspected: false }
    const verdicts: string[] = []
    for (let now = 500; now <= 5_500; now += 500) {
      const judged = judgePulse(pulse, { now, heard: false, pausedMs: 0, lagMs: 0 }, limits)
      pulse = judged.pulse
      if (judged.verdict !== 'steady') verdicts.push(`${now} ${judged.verdict}`)
    }
    expect(verdicts).toEqual(['2500 suspect', '5500 dead'])
    const heard = judgePulse(pulse, { now: 5_600, heard: true, pausedMs: 0, lagMs: 0 }, limits)
    expect(heard).toEqual({ pulse: { heardAt: 5_600, suspected: false }, verdict: 'steady' })
  })

  it('does not age while we did not run', () => {
    const judged = judgePulse(
      { heardAt: 0, suspected: false },
      { now: 10_500, heard: false, pausedMs: 10_000, lagMs: 0 },
      limits,
    )
    expect(judged).toEqual({ pulse: { heardAt: 10_000, suspected: false }, verdict: 'steady' })
  })

  it('is never accused on the first beat after a pause, however silent it was before', () => {
    const before: Pulse = { heardAt: 0, suspected: true }
    expect(judgePulse(before, { now: 5_000, heard: false, pausedMs: 0, lagMs: 0 }, limits).verdict).toBe('steady')
    const late = judgePulse(before, { now: 9_500, heard: false, pausedMs: 4_000, lagMs: 0 }, limits)
    expect(late.verdict).toBe('steady')
    expect(judgePulse(late.pulse, { now: 10_000, heard: false, pausedMs: 0, lagMs: 0 }, limits).verdict).toBe('dead')
  })

  it('of a dead peer is found by a node that is late with every beat', () => {
    let pulse: Pulse = { heardAt: 0, suspected: false }
    let verdict = 'steady'
    let beats = 0
    for (let now = 1_500; verdict !== 'dead' && beats < 100; now += 1_500) {
      const judged = judgePulse(pulse, { now, heard: false, pausedMs: 1_000, lagMs: 0 }, limits)
      pulse = judged.pulse
      verdict = judged.verdict
      beats += 1
    }
    expect(beats).toBe(12)
  })

  it('is silent only for longer than our own lag in reading', () => {
    const before: Pulse = { heardAt: 0, suspected: false }
    const beat = { now: 6_000, heard: false, pausedMs: 0 }
    const verdicts = [0, 1_500, 4_500].map((lagMs) => judgePulse(before, { ...beat, lagMs }, limits).verdict)
    expect(verdicts).toEqual(['dead', 'suspect', 'steady'])
  })
})

describe('a lag in reading', () => {
  it('is what the quickest pong took too long, and is not over because none came', () => {
    let lag = nextLag(noLag, 900)
    expect(lag.ms).toBe(900)
    for (let beat = 0; beat < 3; beat += 1) lag = nextLag(lag, undefined)
    expect(lag.ms).toBe(900)
    expect(nextLag(lag, 20).ms).toBe(20)
    expect(nextLag(lag, undefined).ms).toBe(0)
  })

  it('is measured against the least round trip of a link, which is forgotten slowly', () => {
    expect(leastRtt(undefined, 80)).toBe(80)
    expect(leastRtt(80, 60)).toBe(60)
    let leastMs = leastRtt(60, 700)
    expect(leastMs).toBe(70)
    for (let sample = 0; sample < 600; sample += 1) leastMs = leastRtt(leastMs, 700)
    expect(leastMs).toBeGreaterThan(690)
  })
})
