import type { Deadline, DeadlinePlace, DeadlineQueue } from './deadline-queue.ts'
import { CallError } from './errors.ts'
import type { KernelCounters } from './counters.ts'
import type { Replier, Request } from './mailbox.ts'
import { formatPid, type Pid, type Target } from './pid.ts'
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

/** What a pending call needs of the kernel that it was made on. */
export interface CallHost {
  readonly deadlines: DeadlineQueue
  readonly counters: KernelCounters
  /** The call of that number, which went to another thread or node, is over. */
  awayCallOver(ref: number): void
}

/**
 * A caller that waits. It is its own deadline, its own way back and, on one thread, what stands in the callee's mailbox:
 * such a call allocates this object and a promise, and no timer. What is the same for all of them is no field, as each
 * field costs a hundredth of a call. After it is settled, or its owner ended, answers are dropped and counted.
 */
export class PendingCall implements Deadline, Replier, Request {
  readonly name: string
  args: unknown
  place: DeadlinePlace | number | undefined
  /** Its number among the calls that went to other threads and nodes; 0 for one that did not. */
  awayRef: number
  readonly #host: CallHost
  readonly #owner: CallOwner
  readonly #target: Target
  /** Until it is settled. */
  #resolve: ((value: unknown) => void) | undefined
  #reject: ((error: CallError) => void) | undefined

  constructor(host: CallHost, owner: CallOwner, target: Target, name: string, args: readonly unknown[]) {
    this.name = name
    this.args = args
    this.place = undefined
    this.awayRef = 0
    this.#host = host
    this.#owner = owner
    this.#target = target
    this.#resolve = undefined
    this.#reject = undefined
  }

  /** The answer. Asked for once, before anything else is done with the call. */
  wait(): Promise<unknown> {
    return new Promise((resolve, reject: (error: CallError) => void) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Whom it is for, of a call that went to another thread or node. */
  get callee(): Pid {
    return this.#target as Pid
  }

  get type(): 'request' {
    return 'request'
  }

  get encoded(): false {
    return false
  }

  get replier(): Replier {
    return this
  }

  reply(value: unknown): void {
    const resolve = this.#resolve
    if (PendingCall.#close(this)) resolve?.(value)
  }

  fail(failure: Failure): void {
    const reject = this.#reject
    if (!PendingCall.#close(this)) return
    const message = `${failure.message} (call "${this.name}" to ${printTarget(this.#target)})`
    reject?.(new CallError({ ...failure, message }))
  }

  expire(): void {
    this.fail({ code: 'ERR_CALL_TIMEOUT', outcome: 'unknown', message: 'No answer in time', reason: 'timeout' })
  }

  // Static, as private methods of its own would be one more field of each call.
  static #close(call: PendingCall): boolean {
    if (call.#resolve === undefined) {
      call.#host.counters.lateReplies += 1
      return false
    }
    call.#resolve = undefined
    call.#reject = undefined
    call.#host.deadlines.remove(call)
    if (call.awayRef !== 0) call.#host.awayCallOver(call.awayRef)
    // The promise of a dead owner never settles: no line of that life runs on as if nothing had happened.
    return call.#owner.alive
  }
}

function printTarget(target: Target): string {
  if ('serial' in target) return formatPid(target)
  return target.key === undefined ? `"${target.name}"` : `the partition of "${target.name}" for ${target.key}`
}
