import type { Turn, TurnQueue } from '../platform/turn-queue.ts'

interface Flushable {
  flush(): void
}

/**
 * Flushes a thread's channels behind the turn in which something was said, main's before all others: what main must know
 * of first, such as a name that is free, has been posted when anybody else can read of it.
 */
export class FlushGroup implements Turn {
  readonly #turns: TurnQueue
  #first: Flushable | undefined
  #then: Flushable[] = []
  #last: (() => void) | undefined
  #scheduled = false

  constructor(turns: TurnQueue) {
    this.#turns = turns
  }

  soonFirst(channel: Flushable): void {
    this.#first = channel
    this.#schedule()
  }

  soon(channel: Flushable): void {
    this.#then.push(channel)
    this.#schedule()
  }

  /** Does this once all have been flushed. */
  soonLast(act: () => void): void {
    this.#last = act
    this.#schedule()
  }

  runTurn(): void {
    this.#scheduled = false
    const others = this.#then
    this.#then = []
    this.#first?.flush()
    this.#first = undefined
    for (const channel of others) channel.flush()
    const last = this.#last
    this.#last = undefined
    last?.()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    enqueueLast(this.#turns, this)
  }
}

/** Behind all turns that are ready, where the queue can tell. */
export function enqueueLast(turns: TurnQueue, turn: Turn): void {
  if (turns.enqueueLast === undefined) turns.enqueue(turn)
  else turns.enqueueLast(turn)
}
