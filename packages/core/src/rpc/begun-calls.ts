import type { Replier } from '../actor/mailbox.ts'
import type { Failure } from '../actor/signal.ts'
import type { InboundCall } from './inbound-call.ts'

/**
 * The calls that began since RpcServer's last turn: they reach it as one message, as one for each would cost as much as all else
 * that it does for them. There are never more than may be starting at a time.
 */
export class BegunCalls implements Replier {
  readonly #calls: (InboundCall | undefined)[]
  #next = 0
  /** Whether further ones may still join: its turn has not come. */
  isOpen = true

  constructor(first: InboundCall) {
    this.#calls = [first]
  }

  join(call: InboundCall): void {
    this.#calls.push(call)
  }

  /** The next one, of those that nobody has taken. */
  take(): InboundCall | undefined {
    this.isOpen = false
    const call = this.#calls[this.#next]
    // Whoever brings the next call in still has this.
    this.#calls[this.#next] = undefined
    this.#next += 1
    return call
  }

  /** What runs answers the calls itself. */
  reply(): void {}

  /** None of those that are left was run. */
  fail(failure: Failure): void {
    for (let call = this.take(); call !== undefined; call = this.take()) call.fail(failure)
  }
}
