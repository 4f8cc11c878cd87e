import { realMs } from '../platform/real-time.ts'
import { caseCode } from '../shrink/case-code.ts'
import { shrinkCase } from '../shrink/shrink.ts'
import type { RunCase, RunResult } from '../simulation/run-result.ts'

/** How much may be spent on a smaller case. What was found until then is the answer. */
export interface ShrinkBudget {
  /** Real milliseconds. Default 30,000. */
  readonly timeMs?: number
  /** Default 500. */
  readonly runs?: number
}

/** The smallest case found that breaks the same invariant. Plain data. */
export interface ShrunkCase {
  readonly result: RunResult
  readonly runs: number
  readonly realMs: number
  /** A test of this case. */
  readonly code: string
}

const timeMsDefault = 30_000
const runsDefault = 500

/** Looks for a smaller case that breaks the invariant that `failed` broke, and writes it down as a test. */
export async function shrinkFailure(
  run: RunCase,
  name: string,
  failed: RunResult,
  { timeMs = timeMsDefault, runs: runsMax = runsDefault }: ShrinkBudget = {},
): Promise<ShrunkCase> {
  const startMs = realMs()
  const { result, runs } = await shrinkCase(failed, run, { runsMax, budgetMs: timeMs, now: realMs })
  const title = `${name}: ${failed.failure?.invariant ?? 'failure'}`
  return { result, runs, realMs: realMs() - startMs, code: caseCode(title, 'simulation', result.case) }
}
