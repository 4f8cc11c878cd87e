import type { CallError } from '../actor/errors.ts'
import type { Replicated } from '../actor/remote-replica.ts'
import { errorFromData } from '../base/error-data.ts'
import { ReplicaError } from './replica-errors.ts'
import type { ReplicaAnswer } from './replica-watch.ts'

/** What a wait for the replica came to: what its watcher answered, or that it was aborted, or how the watcher could not be asked. */
export type WaitEnd =
  { readonly answer: ReplicaAnswer } | { readonly aborted: unknown } | { readonly failed: CallError }

/**
 * Whether the replica has caught up; `false`: not in time. Throws a `ReplicaError` for all else, with what was `written`, as that stays
 * written.
 */
export function isCaughtUp(end: WaitEnd, written?: Replicated<unknown>): boolean {
  if ('aborted' in end) {
    throw new ReplicaError('ERR_WAIT_ABORTED', 'The wait for the replica was aborted', { cause: end.aborted, written })
  }
  const answer = 'failed' in end ? answerOf(end.failed, written) : end.answer
  if (answer === 'reached' || answer === 'late') return answer === 'reached'
  if (answer === 'noReplica') throw noReplica(written)
  if (answer === 'full') throw new ReplicaError('ERR_OVERLOADED', 'Too many wait for the replica', { written })
  const cause = errorFromData(answer.failed)
  throw new ReplicaError('ERR_REPLICA_FAILED', `The replica could not be asked: ${cause.message}`, { cause, written })
}

export function noReplica(written?: Replicated<unknown>): ReplicaError {
  return new ReplicaError('ERR_NO_REPLICA', 'This node watches no replica: give `replica` to startNode', { written })
}

/** The watcher says itself that it is late: where it can't, the call's own time does. */
function answerOf(error: CallError, written: Replicated<unknown> | undefined): ReplicaAnswer {
  if (error.code === 'ERR_CALL_TIMEOUT') return 'late'
  if (error.code === 'ERR_NOPROC') return 'noReplica'
  const isStop = error.code === 'ERR_CALLEE_EXITED' && error.reason === 'shutdown'
  const code = isStop ? 'ERR_NODE_STOPPED' : error.code === 'ERR_MAILBOX_FULL' ? 'ERR_OVERLOADED' : 'ERR_REPLICA_FAILED'
  throw new ReplicaError(code, 'The watcher of the replica ended, or could not be asked', { cause: error, written })
}
