import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { Failure, Outcome } from '../actor/signal.ts'

/** What a call is told when its remote process ended without an answer. */
export function exitFailure(reason: ExitReason): Failure {
  // Which of these can't be told apart from "it had not begun": the link is made in the frame that spawns.
  const outcome: Outcome = reason === 'threadlost' || reason === 'noconnection' ? 'unknown' : 'ran'
  if (reason === 'timeout') {
    return { code: 'ERR_RPC_TIMEOUT', outcome: 'ran', message: 'Its deadline passed there and it was stopped', reason }
  }
  return {
    code: 'ERR_REMOTE_EXIT',
    outcome,
    message: `The remote process ended without an answer: ${printReason(reason)}`,
    reason,
  }
}

/** The same of one that ended before the first line of its procedure ran, by whatever way. */
export function notBegunFailure(reason: ExitReason): Failure {
  const [code, how] =
    reason === 'timeout' ? ['ERR_RPC_TIMEOUT', 'its deadline passed there'] : ['ERR_REMOTE_EXIT', printReason(reason)]
  return { code, outcome: 'not-run', message: `The remote process ended before the procedure began: ${how}`, reason }
}
