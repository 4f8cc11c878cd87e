import { describe, expect, it } from 'vitest'
import { addRestart, type Intensity, intensityDefault } from '../../src/otp/restart-intensity.ts'

/** Whether each of these restarts was one too many. */
function exceededAt(timesMs: readonly number[], intensity: Intensity): boolean[] {
  let counted: readonly number[] = []
  return timesMs.map((nowMs) => {
    const { restartsMs, exceeded } = addRestart(counted, nowMs, intensity)
    counted = restartsMs
    return exceeded
  })
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
    expect(addRestart([0, 10, 990], 1_005, { maxRestarts: 5, withinMs: 1_000 }).restartsMs).toEqual([10, 990, 1_005])
  })

  it('leaves the list it was given as it was', () => {
    const before = Object.freeze([1, 2])
    addRestart(before, 3, intensityDefault)
    expect(before).toEqual([1, 2])
  })
})
