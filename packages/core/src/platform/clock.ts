import { performance } from 'node:perf_hooks'

/** Something due later. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * All time of one node. Two nodes in one process may have two clocks that disagree, which is how skew is simulated.
 *
 * @example
 * const timer = clock.after(500, () => retry())
 * const started = clock.monotonic()
 * timer.cancel()
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. May jump either way. */
  wall(): number
  /** Milliseconds, with fractions, since an arbitrary moment. Never goes back. For every duration and deadline. */
  monotonic(): number
  /** Runs `run` once, `delayMs` (>= 0, capped at 2^31-1) from now or a little later, never synchronously. */
  after(delayMs: number, run: () => void): Timer
}

const delayMsMax = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timeout = setTimeout(run, Math.min(Math.max(delayMs, 0), delayMsMax))
    return { cancel: () => clearTimeout(timeout) }
  },
}
