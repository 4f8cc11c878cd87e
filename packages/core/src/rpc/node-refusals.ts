import type { Failure } from '../actor/signal.ts'

// Why a node does not take a call: it is not run, unless the node's own actors were lost with it.

export const leaving: Failure = {
  code: 'ERR_DRAINING',
  outcome: 'not-run',
  message: 'The node is leaving and takes no new work',
}

export const restarting: Failure = notReady('The node is restarting its own actors')

/** The node's own actors crashed or are flooded: to the caller it's one and the same, the node could not take the call. */
export function failureOfNode(failure: Failure): Failure {
  if (failure.code === 'ERR_MAILBOX_FULL') return overloaded('The node has too many requests waiting')
  if (failure.code !== 'ERR_CALLEE_EXITED') return failure
  return { ...failure, code: 'ERR_NOT_READY', message: `The node could not take the call: ${failure.message}` }
}

export function noProcedure(versions: readonly number[], wanted: number): Failure {
  const here = versions.length === 0 ? 'no procedure of that name' : `only version ${versions.join(', ')}`
  const message = `The node has ${here}; version ${wanted} was asked for`
  return { code: 'ERR_NO_PROCEDURE', outcome: 'not-run', message }
}

export function notReady(message: string): Failure {
  return { code: 'ERR_NOT_READY', outcome: 'not-run', message }
}

export function overloaded(message: string): Failure {
  return { code: 'ERR_OVERLOADED', outcome: 'not-run', message }
}
