import { type Rate, TokenBucket } from './token-bucket.ts'

/**
 * How often others can make this node say something new of itself, which everybody checks and passes on: so often that what refutes an
 * accusation is in time, and less often than news of one node is believed (`newsRate`), so that its own goes on being heard.
 */
export const calledForthRate: Rate = { burst: 8, perSecond: 1 }

/**
 * When this node says something new of itself because of what others said. What comes while it has to wait is answered together, by the
 * next word.
 *
 * @example
 * const waitMs = pace.calledForth(now)
 * if (waitMs === 'now') say()
 * else if (waitMs !== 'planned') clock.after(waitMs, () => pace.cameDue(clock.monotonic()) && say())
 */
export class OwnNewsPace {
  readonly #bucket: TokenBucket
  #isPlanned = false
  #isOwed = false

  constructor(now: number) {
    this.#bucket = new TokenBucket(calledForthRate, now)
  }

  /** `now`: say it. A number: call `cameDue` after so many milliseconds. `planned`: that was said before. */
  calledForth(now: number): 'now' | 'planned' | number {
    if (!this.#isPlanned && this.#bucket.take(now)) return 'now'
    this.#isOwed = true
    if (this.#isPlanned) return 'planned'
    this.#isPlanned = true
    return Math.ceil(this.#bucket.waitMs(now))
  }

  /** The planned time came. `false`: it was said meanwhile. */
  cameDue(now: number): boolean {
    this.#isPlanned = false
    if (!this.#isOwed) return false
    this.#isOwed = false
    this.#bucket.charge(now, 1)
    return true
  }

  /** Whether what is said next answers something. */
  get isOwed(): boolean {
    return this.#isOwed
  }

  /** Something new was said, whatever for: it answers all that came before. */
  said(): void {
    this.#isOwed = false
  }
}
