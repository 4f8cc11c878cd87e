import type { Failure } from '../actor/signal.ts'
import type { Timer } from '../platform/clock.ts'

/** A call that nobody could serve yet waits: for a change of the region table, and beside it for a time. */
export class CallWait {
  /** What the call is told if it waits in vain. */
  readonly failure: Failure
  readonly #stopListening: () => void
  readonly #timer: Timer | undefined

  constructor(failure: Failure, stopListening: () => void, timer: Timer | undefined) {
    this.failure = failure
    this.#stopListening = stopListening
    this.#timer = timer
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stopListening()
  }
}
