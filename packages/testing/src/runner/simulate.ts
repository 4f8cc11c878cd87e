import { realMs } from '../platform/real-time.ts'
import { resolveCase } from '../simulation/resolve-case.ts'
import { runCase } from '../simulation/run-case.ts'
import type { RunCase } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { type CaseOutcome, checkCase } from './check-case.ts'
import { defineSimulation, type SimulationDefinition, simulationName } from './define-simulation.ts'
import { seedSettings } from './environment.ts'
import { failureReport } from './failure-report.ts'
import { seedsToRun } from './seeds-to-run.ts'
import { type ShrinkBudget, shrinkFailure } from './shrink-failure.ts'
import { SimulationFailure } from './simulation-failure.ts'
import { runSwarm } from './swarm.ts'
import { type SwarmProperty, SwarmTally } from './swarm-tally.ts'

/** What a swarm that passed has shown. */
export interface SwarmReport {
  readonly name: string
  readonly seeds: number
  /** How many of them were run twice and found equal. */
  readonly rerun: number
  readonly events: number
  readonly virtualMs: number
  readonly realMs: number
  readonly properties: readonly SwarmProperty[]
  /** What user code did past the simulation, where that is only warned of. */
  readonly escapes: readonly string[]
}

export interface SimulateOptions {
  /** How much may be spent on a smaller case once one failed; `false`: nothing. Default 30 s or 500 runs. */
  readonly shrink?: ShrinkBudget | false
  /** The line that replays a seed. Default: `SIM_SEED=…` before the command that ran this. */
  readonly replay?: (seed: number) => string
}

/**
 * Runs a simulation with many seeds in this thread, one after the other, and resolves when all of them passed. 5 % of the
 * seeds, and each that fails, are run twice and must be equal. The first failure is shrunk, then the promise rejects with
 * a {@link SimulationFailure}, whose message is the report. It also rejects when a seed took more events than it may, and
 * when 1,000 seeds or more never came across what they should have (`sometimes`, `expects`). `SIM_SEED`, `SIM_RUNS` and
 * `SIM_TIME` in the environment win over `definition.seeds`. There is no time-out: a test runner or `skerry-sim` has one.
 *
 * @example
 * await simulate({ app: shop, regions: { syd: 2, lax: 2 }, seeds: 200, faults: { partition: true }, workload, invariants })
 */
export async function simulate(definition: SimulationDefinition, options: SimulateOptions = {}): Promise<SwarmReport> {
  defineSimulation(definition)
  const { seeds, count } = seedsToRun(definition.seeds, seedSettings())
  const run: RunCase = (simCase, runOptions) => runCase(definition, simCase, runOptions)
  const name = simulationName(definition)
  const tally = new SwarmTally(definition.expects)
  const startMs = realMs()
  let bad: CaseOutcome | undefined
  let progress = ''

  await runSwarm({
    run,
    resolve: (seed) => resolveCase(definition, seed),
    seeds,
    // Whoever runs one seed wants to know all about it.
    rerunAll: count === 1,
    onSeed: (_seed, outcome) => {
      tally.add(outcome)
      if (outcome.verdict === 'passed' || (bad !== undefined && outcome.verdict === 'inconclusive')) return
      bad = outcome
      progress = progressOf(tally.seeds, count, realMs() - startMs)
    },
  })
  if (bad !== undefined) throw await failureOf(run, name, bad, progress, options)
  const missing = tally.notCovered()
  if (missing.length > 0) {
    throw new SimulationFailure(`SIM FAILED  ${name}: ${tally.seeds} seeds passed, but\n- ${missing.join('\n- ')}`)
  }
  const { rerun, events, virtualMs } = tally
  return {
    name,
    seeds: tally.seeds,
    rerun,
    events,
    virtualMs,
    realMs: realMs() - startMs,
    properties: tally.properties(),
    escapes: tally.escapes(),
  }
}

/**
 * Runs one written-out case, twice, and resolves when it passed. Rejects as {@link simulate} does.
 *
 * @example
 * await simulateCase('no order twice', orders, { seed: 7, nodes, durationMs: 4_100, faults, skippedOps: ['0/1'] })
 */
export async function simulateCase(name: string, definition: SimulationDefinition, simCase: SimCase): Promise<void> {
  defineSimulation(definition)
  const outcome = await checkCase((one, runOptions) => runCase(definition, one, runOptions), simCase)
  if (outcome.verdict === 'passed') return
  const report = failureReport({ name, outcome, replay: ['run this test again: its case is written out in it'] })
  throw new SimulationFailure(report, outcome.result.case, outcome.result.failure)
}

async function failureOf(
  run: RunCase,
  name: string,
  outcome: CaseOutcome,
  progress: string,
  { shrink, replay = (seed) => `SIM_SEED=${seed} and the command that ran this` }: SimulateOptions,
): Promise<SimulationFailure> {
  const shrunk =
    outcome.verdict === 'failed' && shrink !== false
      ? await shrinkFailure(run, name, outcome.result, shrink)
      : undefined
  const report = failureReport({
    name,
    outcome,
    progress,
    replay: [replay(outcome.result.case.seed)],
    ...(shrunk !== undefined && { shrunk }),
  })
  const { case: simCase, failure } = shrunk?.result ?? outcome.result
  return new SimulationFailure(report, simCase, failure)
}

function progressOf(done: number, count: number | undefined, ms: number): string {
  return `run ${done}${count === undefined ? '' : ` of ${count}`}, ${Math.round((done / Math.max(1, ms)) * 1_000)} seeds/s`
}
