import type { RunCase } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { type CaseOutcome, checkCase, isRerun } from './check-case.ts'

export interface SwarmOptions {
  readonly run: RunCase
  readonly resolve: (seed: number) => SimCase
  /** In order; taken one by one, so that a swarm in many threads can share them. */
  readonly seeds: Iterable<number>
  /** Run every seed twice, not only 5 % of them. Default `false`. */
  readonly rerunAll?: boolean
  /** Go on after a seed that did not pass. Default `false`. */
  readonly keepGoing?: boolean
  /** Told of every seed when it is done. */
  readonly onSeed: (seed: number, outcome: CaseOutcome) => void
}

/** Runs many seeds in this thread, one after the other. Rejects only for mistakes in the definition. */
export async function runSwarm({ run, resolve, seeds, rerunAll, keepGoing, onSeed }: SwarmOptions): Promise<void> {
  for (const seed of seeds) {
    const outcome = await checkCase(run, resolve(seed), rerunAll === true || isRerun(seed))
    onSeed(seed, outcome)
    // A seed without an answer doesn't keep the others from theirs.
    if (keepGoing !== true && (outcome.verdict === 'failed' || outcome.verdict === 'nondeterministic')) return
  }
}
