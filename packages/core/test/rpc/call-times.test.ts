import { describe, expect, it } from 'vitest'
import { reconnectWaitMs, timeLeftMs } from '../../src/rpc/call-times.ts'

const clock = { monotonic: () => 1_000 }

describe('the time of a call', () => {
  const times: [what: string, timeoutMs: number | undefined, deadlineMs: number | undefined, leftMs: number][] = [
    ['is 5 seconds', undefined, undefined, 5_000],
    ['is what the caller says', 80, undefined, 80],
    ['is what its caller has left, if that is less', 80, 1_030, 30],
    ['is less than its caller has left, if it says so', 80, 1_300, 80],
    ['is what its caller has left, if it says nothing', undefined, 1_700, 700],
    ['is at least a millisecond', undefined, 900, 1],
  ]
  it.each(times)('%s', (_what, timeoutMs, deadlineMs, leftMs) => {
    const options = timeoutMs === undefined ? {} : { timeoutMs }
    expect(timeLeftMs(clock, { deadlineMs }, options)).toBe(leftMs)
  })
})

describe('the wait for a connection', () => {
  it('is two redials and twice the round trips of connecting, unless the caller says how long', () => {
    expect(reconnectWaitMs({}, { rttMs: undefined })).toBe(300)
    expect(reconnectWaitMs({}, { rttMs: 150 })).toBe(1_500)
    expect(reconnectWaitMs({ reconnectMs: 0 }, { rttMs: 150 })).toBe(0)
  })
})
