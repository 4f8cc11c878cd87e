import type { RunFailure } from '../simulation/run-result.ts'
import type { CaseOutcome } from './check-case.ts'
import type { FailureReport } from './failure-report.ts'
import type { SwarmProperty } from './swarm-tally.ts'

/** What `skerry-sim run --json` tells of one simulation. */
export interface SwarmSummary {
  readonly name: string
  readonly seeds: number
  /** How many of them were run twice. */
  readonly rerun: number
  /** Saved cases that were replayed before. */
  readonly regressions: number
  readonly events: number
  readonly virtualMs: number
  readonly realMs: number
  readonly seedsPerS: number
  readonly failures: readonly FailedSeed[]
  readonly inconclusive: readonly LostSeed[]
  /** What so many seeds should have come across and did not. */
  readonly notCovered: readonly string[]
  readonly properties: readonly SwarmProperty[]
  readonly escapes: readonly string[]
}

export interface FailedSeed {
  readonly seed: number
  readonly verdict: CaseOutcome['verdict']
  readonly failure: RunFailure | undefined
  /** Of the case that was saved. */
  readonly hash: string
  /** The file with the case. */
  readonly saved: string
  readonly elsewhere: FailureReport['elsewhere']
  readonly replay: readonly string[]
  readonly report: string
}

/** A seed without an answer. */
export interface LostSeed {
  readonly seed: number
  readonly reason: string
}

/** 0: all passed, 1: something failed, 3: some seeds have no answer and none failed. */
export function exitCodeOf(
  summaries: readonly Pick<SwarmSummary, 'failures' | 'inconclusive' | 'notCovered'>[],
): 0 | 1 | 3 {
  if (summaries.some(({ failures, notCovered }) => failures.length > 0 || notCovered.length > 0)) return 1
  return summaries.some(({ inconclusive }) => inconclusive.length > 0) ? 3 : 0
}

/** What a person is told at the end. */
export function summaryText(summary: SwarmSummary): string {
  const { name, seeds, rerun, regressions, virtualMs, realMs, seedsPerS, failures, inconclusive, notCovered } = summary
  const time = `${(realMs / 1_000).toFixed(1)} s, ${seedsPerS} seeds/s, ${simulated(virtualMs)} simulated`
  const cases = regressions === 0 ? '' : `, ${regressions} saved cases`
  return [
    `${name}: ${seeds} seeds (${rerun} run twice${cases}), ${failures.length} failed, ${inconclusive.length} without an answer; ${time}`,
    ...failures.map(
      ({ seed, verdict, failure, saved }) => `  seed ${seed}: ${failure?.invariant ?? verdict}, saved to ${saved}`,
    ),
    ...inconclusive.map(({ seed, reason }) => `  seed ${seed}: no answer: ${reason}`),
    ...notCovered.map((line) => `  not covered: ${line}`),
    ...summary.escapes.map((escape) => `  escaped: ${escape}`),
  ].join('\n')
}

function simulated(ms: number): string {
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}
