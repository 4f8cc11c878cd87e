import type { Clock } from '@skerry/core/platform'

/** Lets so many things a second through, and twice as many at a time. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #clock: Clock
  #tokens: number
  #filledAt: number

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
    this.#tokens = 2 * perSecond
    this.#filledAt = clock.monotonic()
  }

  take(): boolean {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(2 * this.#perSecond, this.#tokens + ((now - this.#filledAt) / 1_000) * this.#perSecond)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
