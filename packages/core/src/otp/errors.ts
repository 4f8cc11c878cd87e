import type { ExitReason } from '../actor/exit-reason.ts'
import { isErrorData, errorFromData } from '../base/error-data.ts'
import { RuntimeError } from '../base/runtime-error.ts'

/** An app or a child spec that can't be right, found when it is defined. */
export class SpecError extends RuntimeError {
  declare readonly code: 'ERR_BAD_SPEC'

  constructor(message: string) {
    super('ERR_BAD_SPEC', message)
  }
}

export type TaskErrorCode =
  /** The task ended without a value; `reason` says why, and `cause` is what it threw. */
  | 'ERR_TASK_FAILED'
  /** The task did not end in the time that its owner gave it, and was killed. */
  | 'ERR_TASK_TIMEOUT'
  /** Only the actor that started a task can wait for it or stop it. */
  | 'ERR_NOT_OWNER'

/** Why a task gave no value. */
export class TaskError extends RuntimeError {
  declare readonly code: TaskErrorCode
  readonly reason: ExitReason | undefined

  constructor(code: TaskErrorCode, message: string, reason?: ExitReason) {
    super(code, message, isErrorData(reason) ? { cause: errorFromData(reason) } : undefined)
    this.reason = reason
  }
}
