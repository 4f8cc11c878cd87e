import type { Attachment } from '../actor/attachments.ts'
import type { Deadline, DeadlinePlace } from '../actor/deadline-queue.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Pid } from '../actor/pid.ts'
import type { Timer } from '../platform/clock.ts'
import type { InboundCall, StartedProcess } from './inbound-call.ts'

/** Who keeps the books of remote processes, and ends them. */
export interface ProcessKeeper {
  /** Ends it in a turn of its own. */
  stop(work: RunningWork, reason: ExitReason): void
  /** Tells it to end, now. */
  end(work: RunningWork, reason: ExitReason): void
  /** It has ended, on this thread. */
  ended(work: RunningWork, reason: ExitReason): void
}

/** The books of one remote process. */
export class RunningWork implements Deadline, Attachment, StartedProcess {
  place: DeadlinePlace | number | undefined = undefined
  attachedAt: number | undefined = undefined
  kill: Timer | undefined = undefined
  /** On another thread: where that says that the procedure has begun. */
  mark: number | undefined = undefined
  /** Why we ended it, if we did. */
  stopped: ExitReason | undefined = undefined
  hasEnded = false
  readonly call: InboundCall
  protected readonly keeper: ProcessKeeper
  #process: Pid | undefined

  /** `process`: `undefined` as long as it was not started. */
  constructor(keeper: ProcessKeeper, call: InboundCall, process: Pid | undefined) {
    this.keeper = keeper
    this.call = call
    this.#process = process
  }

  /** What it is called in lists. */
  get behavior(): string {
    return this.call.served.procedure.behavior.name
  }

  /** Its address, at which it is found. */
  get process(): Pid {
    return this.#process as Pid
  }

  started(process: Pid): void {
    this.#process = process
  }

  stop(reason: ExitReason): void {
    this.keeper.stop(this, reason)
  }

  callerLost(_lost: LostPeer): void {
    // Linked to nobody yet, and the next turn could be the one in which it begins.
    if (this.call.hasBegun) this.stop('noconnection')
    else this.keeper.end(this, 'noconnection')
  }

  expire(): void {
    this.keeper.end(this, 'timeout')
  }

  ownerExited(reason: ExitReason): void {
    this.keeper.ended(this, reason)
  }
}
