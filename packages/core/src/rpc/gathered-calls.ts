import type { TurnQueue } from '../platform/turn-queue.ts'
import { BegunCalls } from './begun-calls.ts'
import type { InboundCall } from './inbound-call.ts'
import { LateReads } from './late-reads.ts'

/**
 * Gathers the calls whose turn has come until whoever starts them has a turn too: those that come meanwhile join them. Of another node's
 * they are handed over only once a thread that was busy has read what came behind them, or they crowd their queue.
 */
export class GatheredCalls {
  readonly #handOver: (calls: BegunCalls) => void
  readonly #late: LateReads
  /** The last ones. */
  #begun: BegunCalls | undefined
  /** The same, while they are held back. */
  #heldBack: BegunCalls | undefined

  constructor(turns: TurnQueue, handOver: (calls: BegunCalls) => void) {
    this.#handOver = handOver
    this.#late = new LateReads(turns, () => this.#caughtUp())
  }

  /** Whether some wait for their turn. */
  get areOpen(): boolean {
    return this.#begun?.isOpen === true
  }

  get areHeldBack(): boolean {
    return this.#heldBack !== undefined
  }

  /** A request or a cancellation came: there may be more. */
  came(): void {
    this.#late.came()
  }

  add(call: InboundCall, isOfThisNode: boolean): void {
    if (this.#begun?.isOpen === true) {
      this.#begun.join(call)
      return
    }
    this.#begun = new BegunCalls(call)
    if (!isOfThisNode && this.#late.holds()) this.#heldBack = this.#begun
    else this.#handOver(this.#begun)
  }

  /** Holds nothing back any more: more could not be taken. */
  release(): void {
    this.#late.release()
  }

  #caughtUp(): void {
    const calls = this.#heldBack
    this.#heldBack = undefined
    if (calls !== undefined) this.#handOver(calls)
  }
}
