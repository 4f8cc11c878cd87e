import { seededRandom } from '../platform/seeded-random.ts'
import type { RunCase, RunFailure, RunResult } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { type Divergence, findDivergence } from './determinism.ts'

// Enough to notice what differs from run to run; the cost is a run for each.
const rerunChance = 0.05

/** What was found out about one case. Plain data. */
export interface CaseOutcome {
  /** `inconclusive`: it took more events than it may. `nondeterministic`: two runs of it differ, so nothing else counts. */
  readonly verdict: 'passed' | 'failed' | 'inconclusive' | 'nondeterministic'
  /** The first run, without a trace. */
  readonly result: RunResult
  /** The hash of the second run, which also watched for escapes, where there was one. */
  readonly rerunHash?: string
  /** Where two runs part. */
  readonly divergence?: Divergence
}

/** Runs a case, and again if `always` says so or the first run failed: both must be equal, event for event. */
export async function checkCase(run: RunCase, simCase: SimCase, always = true): Promise<CaseOutcome> {
  const first = await run(simCase)
  if (!always && first.failure === undefined) return { verdict: 'passed', result: first }
  const again = await run(simCase, { watchEscapes: true })
  // What leaves the simulation where only the watch sees it is the failure, and stops the run short.
  if (again.failure?.invariant === 'escape' && first.failure?.invariant !== 'escape') {
    return { verdict: 'failed', result: again, rerunHash: again.hash }
  }
  if (again.hash === first.hash) {
    return { verdict: verdictOf(first.failure), result: first, rerunHash: again.hash }
  }
  const divergence = await findDivergence(run, simCase)
  return {
    verdict: 'nondeterministic',
    result: first,
    rerunHash: again.hash,
    ...(divergence !== undefined && { divergence }),
  }
}

/** Whether this seed is one of those that a swarm runs twice though nothing failed: 5 % of all. */
export function isRerun(seed: number): boolean {
  return seededRandom(seed, 'rerun').float() < rerunChance
}

function verdictOf(failure: RunFailure | undefined): CaseOutcome['verdict'] {
  if (failure === undefined) return 'passed'
  return failure.invariant === 'inconclusive' ? 'inconclusive' : 'failed'
}
