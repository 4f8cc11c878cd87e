import type { Verdict } from '../history/history.ts'

/** Why a verdict fails a run; `undefined` if it doesn't. That a budget ended before an answer was found is no failure. */
export function verdictMessage(verdict: Verdict | string | void): string | undefined {
  if (typeof verdict === 'string') return verdict
  return verdict?.ok === false ? verdict.message : undefined
}
