import type { ExitReason } from './exit-reason.ts'
import type { Failure, Signal } from './signal.ts'

/**
 * The answer that a signal gets when its target does not exist (`noproc`) or can't be reached (`noconnection`);
 * `undefined` for a signal that Erlang drops silently in that case.
 */
export function answerUndeliverable(
  signal: Signal,
  reason: 'noproc' | 'noconnection' | 'threadlost',
): Signal | undefined {
  switch (signal.type) {
    case 'link':
      return { type: 'exit', from: signal.to, to: signal.from, reason, viaLink: true }
    case 'monitor':
      return { type: 'down', from: signal.to, to: signal.from, ref: signal.ref, reason }
    case 'call':
      return { type: 'reply', to: signal.from, ref: signal.ref, result: { ok: false, failure: callFailure(reason) } }
    case 'spawn':
      if (signal.request.isCast === true) return undefined
      return { type: 'reply', to: signal.from, ref: 0, result: { ok: false, failure: spawnFailure(reason) } }
    case 'message':
    case 'cast':
    case 'reply':
    case 'unlink':
    case 'exit':
    case 'demonitor':
    case 'down':
    case 'cancel':
    case 'item':
    case 'credit':
    case 'itemsEnd':
      return undefined
  }
}

function callFailure(reason: ExitReason & string): Failure {
  return reason === 'noproc'
    ? { code: 'ERR_NOPROC', outcome: 'not-run', message: 'No such actor', reason }
    : { code: 'ERR_NOCONNECTION', outcome: 'not-run', message: 'The actor can not be reached', reason }
}

function spawnFailure(reason: ExitReason & string): Failure {
  return {
    code: 'ERR_NODE_UNREACHABLE',
    outcome: 'not-run',
    message: 'The node can not be reached: the request was not sent',
    reason,
  }
}
