import type { TurnQueue } from '../platform/turn-queue.ts'

/**
 * Collects what one side of a thread border says during a turn and posts it as one batch behind that turn: a batch of a
 * hundred costs about as much as three single messages. Order is kept.
 */
export class ThreadChannel<Message> {
  readonly #turns: TurnQueue
  readonly #post: (batch: readonly Message[]) => void
  #batch: Message[] = []

  constructor(turns: TurnQueue, post: (batch: readonly Message[]) => void) {
    this.#turns = turns
    this.#post = post
  }

  send(message: Message): void {
    this.#batch.push(message)
    if (this.#batch.length === 1) this.#turns.enqueue({ runTurn: () => this.flush() })
  }

  /** Posts what is collected now. */
  flush(): void {
    if (this.#batch.length === 0) return
    const batch = this.#batch
    this.#batch = []
    this.#post(batch)
  }
}
