import type { Failure } from '../actor/signal.ts'

// Refusals that say something of the node, not of the request: another node may do it.
const elsewhere = new Set([
  'ERR_NODE_UNREACHABLE',
  'ERR_NOT_READY',
  'ERR_DRAINING',
  'ERR_OVERLOADED',
  'ERR_NO_PROCEDURE',
  'ERR_NOT_PRIMARY',
  'ERR_PROCESS_START',
])

/** Whether a call that failed so may go to another node without any risk of running twice. */
export function mayTryElsewhere(failure: Failure): boolean {
  return failure.outcome === 'not-run' && elsewhere.has(failure.code)
}

/** Whether a call that no node would do may ask them again later: code that can't be loaded stays so until it is deployed anew. */
export function mayWaitAfter({ code }: Failure): boolean {
  return code !== 'ERR_PROCESS_START'
}
