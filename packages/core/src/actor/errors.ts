import { RuntimeError } from '../base/runtime-error.ts'
import { errorFromData, isErrorData } from '../base/error-data.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Failure, Outcome } from './signal.ts'

export type ActorErrorCode =
  /** The name is taken by another actor of this node. */
  | 'ERR_NAME_TAKEN'
  /** Nobody is registered under the name. */
  | 'ERR_NOPROC'
  /** The actor ended, was killed or gave up before its init was done. */
  | 'ERR_START_FAILED'
  /** Its init gave up by `ctx.ignore()`, which is no failure: there is no actor, and nobody is to try again. */
  | 'ERR_START_IGNORED'
  /** The actor is dead: a verb of a life that is over. */
  | 'ERR_ACTOR_EXITED'
  /** The behavior can't run on another thread, because it names no module. */
  | 'ERR_NO_MODULE'
  /** The module can't be loaded, or has no such export. */
  | 'ERR_MODULE_LOAD'
  /** The node runs as many threads of their own as it may. */
  | 'ERR_TOO_MANY_THREADS'
  /** The actor kept its pool thread from giving any sign of life, so that the thread was replaced. */
  | 'ERR_THREAD_BLOCKED'
  /** An argument can't be copied to another thread. */
  | 'ERR_NOT_CLONEABLE'
  /** `receive` waited as long as it was told to. */
  | 'ERR_RECEIVE_TIMEOUT'

/** What goes wrong around one actor of this node. */
export class ActorError extends RuntimeError {
  declare readonly code: ActorErrorCode
  readonly reason: ExitReason | undefined

  constructor(code: ActorErrorCode, message: string, options?: { cause?: unknown; reason?: ExitReason }) {
    super(code, message, options)
    this.reason = options?.reason
  }
}

/** Whether a start ended by `ctx.ignore()`: without an actor, and without a failure. */
export function isIgnored(error: unknown): boolean {
  return error instanceof ActorError && error.code === 'ERR_START_IGNORED'
}

export type CallErrorCode =
  /** No answer within the time. The callee was not told and may still do it. */
  | 'ERR_CALL_TIMEOUT'
  /** No such actor. */
  | 'ERR_NOPROC'
  /** The callee ended before it answered. `outcome` tells whether it had begun. */
  | 'ERR_CALLEE_EXITED'
  /** The callee's node was lost. */
  | 'ERR_NOCONNECTION'
  /** The callee's mailbox is full. */
  | 'ERR_MAILBOX_FULL'
  /** A supervisor has as many children as it may. */
  | 'ERR_MAX_CHILDREN'
  /** The init of the child that was to be started failed; `cause` says how. */
  | 'ERR_START_FAILED'
  /** The init of the child that was to be started gave up by `ctx.ignore()`, which is no failure. */
  | 'ERR_START_IGNORED'
  /** The child that a supervisor was to start can't be right. */
  | 'ERR_BAD_SPEC'
  /** The supervisor has a child of that id, which runs or is being restarted. */
  | 'ERR_ALREADY_STARTED'
  /** The supervisor has a child of that id, which is stopped. */
  | 'ERR_ALREADY_PRESENT'
  /** The supervisor has no child of that id. */
  | 'ERR_NO_CHILD'
  /** The child runs, and must be stopped for what was asked. */
  | 'ERR_CHILD_RUNNING'
  /** The child is being restarted, and must be stopped for what was asked. */
  | 'ERR_CHILD_RESTARTING'
  /** The callee has no handler of that name. */
  | 'ERR_NO_HANDLER'
  /** An actor called itself and would have waited for ever. */
  | 'ERR_CALLING_SELF'
  /** An argument or the result can't be encoded for another node. */
  | 'ERR_NOT_ENCODABLE'
  /** The message is larger than the transport carries. */
  | 'ERR_FRAME_TOO_LARGE'
  /** Too much is waiting to be sent to that node. */
  | 'ERR_OVERLOADED'

/** Why a `call` gave no result. `outcome` says what is known of the handler: run, not run, or unknown. */
export class CallError extends RuntimeError {
  declare readonly code: CallErrorCode
  readonly outcome: Outcome
  readonly reason: ExitReason | undefined

  constructor(failure: Failure) {
    super(failure.code, failure.message, causeOf(failure))
    this.outcome = failure.outcome
    this.reason = failure.reason
  }
}

function causeOf(failure: Failure): { cause: Error } | undefined {
  if (failure.cause !== undefined) return { cause: errorFromData(failure.cause) }
  return isErrorData(failure.reason) ? { cause: errorFromData(failure.reason) } : undefined
}
