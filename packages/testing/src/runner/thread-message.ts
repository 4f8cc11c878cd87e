import type { RunResult } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import type { CaseOutcome } from './check-case.ts'
import type { SeedShare } from './seed-share.ts'
import type { ShrinkBudget, ShrunkCase } from './shrink-failure.ts'

/** What a thread of the runner is started with. */
export interface ThreadSetup {
  /** URL of the module that exports the simulations. */
  readonly module: string
  readonly beats: SharedArrayBuffer
}

/** What the runner asks of a thread, one at a time, with what it answers. */
export interface ThreadCommands {
  /** Runs seeds until none is left. Each is reported as a `seed`. */
  readonly swarm: {
    readonly ask: { readonly share: SeedShare; readonly rerunAll: boolean; readonly keepGoing: boolean }
    readonly answer: undefined
  }
  readonly resolve: { readonly ask: { readonly seed: number }; readonly answer: SimCase }
  readonly check: { readonly ask: { readonly case: SimCase }; readonly answer: CaseOutcome }
  /** Runs it once, with its trace. */
  readonly trace: { readonly ask: { readonly case: SimCase }; readonly answer: RunResult }
  readonly shrink: {
    readonly ask: { readonly result: RunResult; readonly budget: ShrinkBudget }
    readonly answer: ShrunkCase
  }
}

export type ThreadCommand = {
  [Kind in keyof ThreadCommands]: { readonly kind: Kind; readonly simulation: string } & ThreadCommands[Kind]['ask']
}[keyof ThreadCommands]

/** A simulation that the module exports. */
export interface KnownSimulation {
  readonly name: string
  readonly seeds: number | readonly number[] | undefined
  readonly expects: readonly string[]
}

/** What a seed that passed comes down to; whole outcomes are much larger. */
export type SeedCounts = Pick<CaseOutcome, 'verdict' | 'rerunHash'> & {
  readonly result: Pick<RunResult, 'events' | 'virtualMs' | 'properties' | 'escapes'>
}

export type ThreadMessage =
  | { readonly kind: 'loaded'; readonly simulations: readonly KnownSimulation[] }
  /** `outcome`: of a seed that did not pass. */
  | { readonly kind: 'seed'; readonly seed: number; readonly counts: SeedCounts; readonly outcome?: CaseOutcome }
  | { readonly kind: 'answer'; readonly answer: unknown }
  /** The definition is wrong. */
  | { readonly kind: 'refused'; readonly message: string }
