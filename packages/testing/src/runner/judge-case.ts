import type { CaseOutcome } from './check-case.ts'
import type { FailureReport } from './failure-report.ts'
import { type SimThread, ThreadLost } from './sim-thread.ts'
import type { ThreadPool } from './thread-pool.ts'

/** What came of a case that did not pass, and whether it comes of the case alone. */
export interface Judgement extends Pick<FailureReport, 'shrunk' | 'elsewhere'> {
  readonly outcome: CaseOutcome
}

/**
 * Runs a case that did not pass again in threads that have run nothing before. If it goes the same way there, it is shrunk
 * (where `shrink` says so). If not: two fresh threads that agree mean that the used one kept something from earlier
 * seeds; two that differ mean that something else decides.
 */
export async function judgeCase(
  pool: ThreadPool,
  simulation: string,
  outcome: CaseOutcome,
  shrink: boolean,
): Promise<Judgement> {
  if (outcome.verdict === 'inconclusive') return { outcome }
  const check = (thread: SimThread): Promise<CaseOutcome> => {
    return thread.request('check', simulation, { case: outcome.result.case })
  }
  try {
    return await pool.fresh(async (thread) => {
      const elsewhere = await check(thread)
      if (outcome.verdict === 'failed' && isSame(elsewhere, outcome)) {
        const shrunk = shrink
          ? await thread.request('shrink', simulation, { result: outcome.result, budget: {} })
          : undefined
        return { outcome, elsewhere: 'same', ...(shrunk !== undefined && { shrunk }) }
      }
      const third = await pool.fresh(check)
      const divergence = outcome.divergence ?? elsewhere.divergence ?? third.divergence
      return {
        outcome: { ...outcome, verdict: 'nondeterministic', ...(divergence !== undefined && { divergence }) },
        elsewhere: isSame(elsewhere, third) ? 'leak' : 'differs',
      }
    })
  } catch (error) {
    // The failure stands as it is; that it could not be confirmed shows in the report's last line.
    if (error instanceof ThreadLost) return { outcome }
    throw error
  }
}

function isSame(a: CaseOutcome, b: CaseOutcome): boolean {
  return a.result.hash === b.result.hash && a.rerunHash === b.rerunHash
}
