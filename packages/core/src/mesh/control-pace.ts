import { type Rate, TokenBucket } from './token-bucket.ts'

/** A control message counts as one, and one more for each so many bytes. */
const bytesForOne = 4 * 1024
/** Reading goes on when so many may come again, so that a lane is not paused for each of them. */
const goOnWith = 64

/**
 * How fast what a peer says on the control lane is read: pings, pongs and what mesh actors tell each other. Who says more is read more
 * slowly, by pausing its lane, and loses nothing; what a transport hands on in spite of that is dropped when a burst of it is owed.
 *
 * @example
 * const pace = new ControlPace({ burst: 4_096, perSecond: 1_000 }, now)
 * if (pace.came(now, bytes) === 'pause') { lane.pause(); clock.after(pace.waitMs(now), () => lane.resume()) }
 */
export class ControlPace {
  readonly #bucket: TokenBucket
  readonly #burst: number

  constructor(rate: Rate, now: number) {
    this.#bucket = new TokenBucket(rate, now)
    this.#burst = rate.burst
  }

  /** `take`: handle it. `pause`: handle it, and no more for a while. `drop`: it is too much by far. */
  came(now: number, bytes: number): 'take' | 'pause' | 'drop' {
    if (this.#bucket.left(now) <= -this.#burst) return 'drop'
    this.#bucket.charge(now, 1 + Math.floor(bytes / bytesForOne))
    return this.#bucket.left(now) > 0 ? 'take' : 'pause'
  }

  /** When to read on, from now. */
  waitMs(now: number): number {
    return Math.ceil(this.#bucket.waitMs(now, Math.min(goOnWith, this.#burst)))
  }
}
