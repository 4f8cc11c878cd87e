/** So many at once, and so many a second from then on. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/**
 * What may be done so often: a bucket that is full at first, and is filled again as time goes. Times are on the monotonic clock, in
 * milliseconds.
 *
 * @example
 * const bucket = new TokenBucket({ burst: 8, perSecond: 1 }, now)
 * if (bucket.take(now)) act()
 * else clock.after(bucket.waitMs(now), act)
 */
export class TokenBucket {
  readonly #rate: Rate
  #left: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#at = now
  }

  /** What is left; below zero it is owed. */
  left(now: number): number {
    const { burst, perSecond } = this.#rate
    this.#left = Math.min(burst, this.#left + (Math.max(0, now - this.#at) / 1_000) * perSecond)
    this.#at = now
    return this.#left
  }

  /** `false`: so much is not left, and nothing was taken. */
  take(now: number, cost = 1): boolean {
    if (this.left(now) < cost) return false
    this.#left -= cost
    return true
  }

  /** Takes it in any case. What is owed then, a burst at most, is filled up before anything is left again. */
  charge(now: number, cost: number): void {
    this.#left = Math.max(-this.#rate.burst, this.left(now) - cost)
  }

  /** After how many milliseconds so much is left. Of no more than a burst. */
  waitMs(now: number, cost = 1): number {
    return Math.max(0, ((cost - this.left(now)) / this.#rate.perSecond) * 1_000)
  }
}
