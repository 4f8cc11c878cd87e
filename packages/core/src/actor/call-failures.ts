import { errorData } from '../base/error-data.ts'
import { unencodableFailure } from './away-replier.ts'
import type { LostPeer } from './edges.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Failure } from './signal.ts'

// What a call of an actor is told by the kernel of its own thread.

export const nobodyHasName: Failure = {
  code: 'ERR_NOPROC',
  outcome: 'not-run',
  message: 'Nobody has that name',
  reason: 'noproc',
}

export const noSuchActor: Failure = { ...nobodyHasName, message: 'No such actor' }

export const callingSelf: Failure = {
  code: 'ERR_CALLING_SELF',
  outcome: 'not-run',
  message: 'An actor that calls itself would wait for ever',
}

/** Its arguments can't travel. */
export function argsUnencodable(error: unknown): Failure {
  return { ...unencodableFailure(error), outcome: 'not-run', cause: errorData(error) }
}

/** The callee's node is gone, or a thread of it. */
export function calleeLost(lost: LostPeer, reason: ExitReason): Failure {
  return lost.thread === undefined
    ? { code: 'ERR_NOCONNECTION', outcome: 'unknown', message: `The node ${lost.node} was lost`, reason }
    : { code: 'ERR_CALLEE_EXITED', outcome: 'unknown', message: `The callee's thread ended`, reason }
}

export function answerUndecodable(error: unknown): Failure {
  return { code: 'ERR_NOT_DECODABLE', outcome: 'ran', message: `The answer could not be decoded: ${String(error)}` }
}
