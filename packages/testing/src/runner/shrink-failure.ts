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
