import type { ExitReason } from '../actor/exit-reason.ts'
import type { Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { exitFailure } from './exit-failure.ts'

// What a call is told where the node that it asked does not say it. The outcome is what its own side knows: while a node may have the
// request, that is nothing.

/** The connection went, with the request on it or there. */
export function nodeLost(reason: ExitReason): Failure {
  const message = 'The connection to the node was lost while it had the request'
  return { code: 'ERR_NODE_LOST', outcome: 'unknown', message, reason }
}

/** The remote process ended without an answer. `hasBegun`: as far as it is known, its procedure has. */
export function processEnded(reason: ExitReason, hasBegun: boolean): Failure {
  const failure = exitFailure(reason)
  return hasBegun ? failure : { ...failure, outcome: 'unknown' }
}

export const timedOut: Failure = {
  code: 'ERR_RPC_TIMEOUT',
  outcome: 'unknown',
  message: 'No answer in time; the remote process is being stopped',
  reason: 'timeout',
}

/** By its `signal`, which has that reason. */
export function aborted(reason: unknown): Failure {
  const message = 'Aborted by the caller'
  return { code: 'ERR_RPC_ABORTED', outcome: 'unknown', message, cause: errorData(reason) }
}

export function callerStopped(reason: ExitReason): Failure {
  return { code: 'ERR_NODE_STOPPED', outcome: 'unknown', message: 'The calling node was stopped', reason }
}

export function resultUndecodable(error: unknown): Failure {
  const message = 'The result could not be decoded'
  return { code: 'ERR_NOT_DECODABLE', outcome: 'ran', message, cause: errorData(error) }
}

/** An item of a stream was not sent, which says nothing of the work that had begun. */
export function itemLost(failure: Failure): Failure {
  return { ...failure, outcome: 'unknown', message: `After the stream had begun: ${failure.message}` }
}

/** The call ends, and no node has it or may have it. */
export function atNoNode(failure: Failure): Failure {
  return { ...failure, outcome: 'not-run' }
}

/** Nobody could serve it while it waited; the last one who would not said why. */
export function waitedInVain(last: Failure): Failure {
  return { ...last, message: `${last.message}; it waited in vain` }
}

/** It was refused as not primary, by a node that knows of a newer one. */
export function primaryNotKnown(refusal: Failure): Failure {
  return { ...refusal, message: `${refusal.message}; where that is did not become known in time` }
}

/** That the second try was not run says nothing of the first, which was `lost`. */
export function refusedAgain(lost: Failure, refusal: Failure): Failure {
  return { ...lost, message: `${lost.message}; asked again, it refused: ${refusal.message}` }
}
