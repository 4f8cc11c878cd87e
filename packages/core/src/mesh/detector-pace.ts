/** How often the detector is asked while nobody is suspected, in milliseconds. */
export const membershipTickMs = 1_000
/** How often it is asked while somebody is, in milliseconds. */
const watchEveryMs = 250
/** Asked so much later than that, this node itself stood still, in milliseconds. */
const lateMs = 400

/**
 * When the failure detector is asked: with each tick, and in between while somebody is suspected. By what came later than it was due
 * it knows for how long this node did not run.
 *
 * @example
 * if (!pace.isWatching) clock.after(pace.watch(now), () => pace.watchEnds())
 * detector.tick(now, pace.asks(now))
 */
export class DetectorPace {
  #isWatching = false
  /** When the detector was asked last, and when it should be next. */
  #askedAt: number
  #askAt = Infinity

  constructor(now: number) {
    this.#askedAt = now
  }

  /** Whether it is planned to ask before the next tick. */
  get isWatching(): boolean {
    return this.#isWatching
  }

  /** Somebody is suspected: plans to ask. What it gives back: after how many milliseconds. */
  watch(now: number, afterMs: number = watchEveryMs): number {
    this.#isWatching = true
    this.#askAt = Math.min(this.#askAt, now + afterMs)
    return afterMs
  }

  /** The planned time came. */
  watchEnds(): void {
    this.#isWatching = false
  }

  /** The detector is asked. What it gives back: for how many milliseconds this node stood still before. */
  asks(now: number): number {
    const lateByMs = now - Math.min(this.#askAt, this.#askedAt + membershipTickMs)
    this.#askedAt = now
    this.#askAt = Infinity
    return lateByMs > lateMs ? lateByMs : 0
  }
}
