import type { Deadline, DeadlineList, DeadlineQueue } from './deadline-queue.ts'
import { CallError } from './errors.ts'
import type { KernelCounters } from './counters.ts'
import type { Replier } from './mailbox.ts'
import type { Failure } from './signal.ts'

/** The default time that a `call` waits for its answer, in milliseconds: OTP's. */
export const callTimeoutMsDefault = 5_000

/** What a pending call needs of the one who made it. Plain code is always alive. */
export interface CallOwner {
  readonly alive: boolean
  /** One of the node's own actors. */
  readonly system?: boolean
}

export const plainCode: CallOwner = { alive: true }

/**
 * A caller that waits. It is its own deadline and its own way back, so that a call on one thread allocates this object,
 * a promise and a request, and no timer. After it is settled, or its owner ended, answers are dropped and counted.
 */
export class PendingCall implements Deadline, Replier {
  deadlineMs = 0
  previous: Deadline | undefined
  next: Deadline | undefined
  list: DeadlineList | undefined

  readonly #owner: CallOwner
  readonly #deadlines: DeadlineQueue
  readonly #counters: KernelCounters
  readonly #describe: () => string
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: CallError) => void
  #open = true
  /** Told when the call is over, where somebody keeps a table of them. */
  onSettled: (() => void) | undefined

  constructor(
    owner: CallOwner,
    deadlines: DeadlineQueue,
    counters: KernelCounters,
    describe: () => string,
    resolve: (value: unknown) => void,
    reject: (error: CallError) => void,
  ) {
    this.#owner = owner
    this.#deadlines = deadlines
    this.#counters = counters
    this.#describe = describe
    this.#resolve = resolve
    this.#reject = reject
  }

  reply(value: unknown): void {
    if (this.#close()) this.#resolve(value)
  }

  fail(failure: Failure): void {
    if (this.#close()) this.#reject(new CallError({ ...failure, message: `${failure.message} (${this.#describe()})` }))
  }

  expire(): void {
    this.fail({ code: 'ERR_CALL_TIMEOUT', outcome: 'unknown', message: 'No answer in time', reason: 'timeout' })
  }

  #close(): boolean {
    if (!this.#open) {
      this.#counters.lateReplies += 1
      return false
    }
    this.#open = false
    this.#deadlines.remove(this)
    this.onSettled?.()
    // The promise of a dead owner never settles: no line of that life runs on as if nothing had happened.
    return this.#owner.alive
  }
}
