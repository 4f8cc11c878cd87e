import { describe, expect, it } from 'vitest'
import { type Intensity, intensityDefault, RestartWindow } from '../../src/otp/restart-intensity.ts'

/** Whether each of these restarts was one too many. */
function exceededAt(timesMs: readonly number[], intensity: Intensity): boolean[] {
  const window = new RestartWindow(intensity)
  return timesMs.map((nowMs) => window.add(nowMs))
}

describe('the restart intensity', () => {
  it('is 3 within 5 seconds unless told otherwise', () => {
    expect(intensityDefault).toEqual({ maxRestarts: 3, withinMs: 5_000 })
  })

  it('allows its number of restarts at once and not one more', () => {
    expect(exceededAt([0, 0, 0, 0], { maxRestarts: 3, withinMs: 1_000 })).toEqual([false, false, false, true])
  })

  it('counts a restart exactly as old as the window, and none older', () => {
    expect(exceededAt([0, 1_000], { maxRestarts: 1, withinMs: 1_000 })).toEqual([false, true])
    expect(exceededAt([0, 1_000.001], { maxRestarts: 1, withinMs: 1_000 })).toEqual([false, false])
  })

  it('slides: a steady trickle goes on for ever', () => {
    const trickle = Array.from({ length: 100 }, (_, index) => index * 501)
    expect(exceededAt(trickle, { maxRestarts: 2, withinMs: 1_000 })).not.toContain(true)
  })

  it('allows none at 0', () => {
    expect(exceededAt([0], { maxRestarts: 0, withinMs: 1_000 })).toEqual([true])
  })

  it('keeps only what still counts', () => {
    const window = new RestartWindow({ maxRestarts: 5, withinMs: 1_000 })
    for (const nowMs of [0, 10, 990, 1_005]) window.add(nowMs)
    expect(window.length).toBe(3)
  })
})
