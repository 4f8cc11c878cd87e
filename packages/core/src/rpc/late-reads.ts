import type { Turn, TurnQueue } from '../platform/platform.ts'

/** So often sockets and ports are read from before what was held back begins, whatever still comes. */
export const readsMax = 16

/**
 * Holds back what would begin while a thread that was busy catches up with what came meanwhile: whoever asked may have given up
 * since, and that stands behind the request. A socket gives 64 KB at a time, and what those asked for would begin before the
 * next are read. A thread that is in time holds nothing back: it would pay a round of the event loop for each call.
 */
export class LateReads implements Turn {
  readonly #turns: TurnQueue
  readonly #caughtUp: () => void
  #isHolding = false
  #hasNews = false
  #readsLeft = 0

  constructor(turns: TurnQueue, caughtUp: () => void) {
    this.#turns = turns
    this.#caughtUp = caughtUp
  }

  /** Whether what begins now, for another node, must be held back until `caughtUp` is called. */
  holds(): boolean {
    if (this.#isHolding) return true
    if (this.#turns.isReadingLate?.() !== true) return false
    this.#isHolding = true
    this.#hasNews = false
    this.#readsLeft = readsMax
    this.#turns.enqueueBehindReads?.(this)
    return true
  }

  /** A request or a cancellation came: there may be more. */
  came(): void {
    this.#hasNews = true
  }

  /** So much is held back that more could not be taken. */
  release(): void {
    if (!this.#isHolding) return
    this.#isHolding = false
    this.#caughtUp()
  }

  runTurn(): void {
    if (!this.#isHolding) return
    this.#readsLeft -= 1
    if (!this.#hasNews || this.#readsLeft === 0) {
      this.release()
      return
    }
    this.#hasNews = false
    this.#turns.enqueueBehindReads?.(this)
  }
}
