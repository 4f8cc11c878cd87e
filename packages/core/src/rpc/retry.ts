import type { Failure } from '../actor/signal.ts'

// Refusals that say something of the node, not of the request: another node may do it.
const elsewhere = new Set([
  'ERR_NODE_UNREACHABLE',
  'ERR_NOT_READY',
  'ERR_DRAINING',
  'ERR_OVERLOADED',
  'ERR_NO_PROCEDURE',
  'ERR_NOT_PRIMARY',
])

/** Whether a call that failed so may go to another node without any risk of running twice. */
export function mayTryElsewhere(failure: Failure): boolean {
  return failure.outcome === 'not-run' && elsewhere.has(failure.code)
}
