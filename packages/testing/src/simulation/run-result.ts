import type { RunStep } from '../kernel/run-log.ts'
import type { Trace, TraceEvent } from '../trace/trace-event.ts'
import type { SimCase } from './sim-case.ts'

/** Why a run failed. */
export interface RunFailure {
  /**
   * The id of the invariant or property; `workload` when the workload threw; else `boot`, `progress`, `deadlock`, `escape`,
   * `unhandled` (an error that nobody caught, which would end a real process) or `inconclusive` (too many events).
   */
  readonly invariant: string
  readonly message: string
  readonly stack?: string
  /** Virtual milliseconds. */
  readonly atMs: number
  /** The number of events that had run. */
  readonly event: number
}

/** How often a property of the code was met in a run. */
export interface PropertyCount {
  readonly kind: 'always' | 'sometimes' | 'reachable' | 'unreachable' | 'chance'
  readonly id: string
  /** How often its line was reached. */
  readonly reached: number
  /** How often it held (`chance`: fired). */
  readonly hit: number
}

/** What one run of one case showed. Plain data. */
export interface RunResult {
  readonly case: SimCase
  readonly failure: RunFailure | undefined
  /** Equal for equal runs: over time, sequence, node, kind and payload digest of every event. */
  readonly hash: string
  readonly events: number
  /** Virtual milliseconds that passed. */
  readonly virtualMs: number
  /** Every operation that the clients were to do, also those that were left out, in the order of their starts. */
  readonly ops: readonly string[]
  readonly properties: readonly PropertyCount[]
  /** What user code did past the simulation, where that is only warned of. */
  readonly escapes: readonly string[]
  /** The last events before the end, oldest first (at most 20). */
  readonly lastEvents: readonly TraceEvent[]
  /** Where asked for. */
  readonly trace?: Trace
  /** By event of the trace, where stacks were asked for. */
  readonly steps?: readonly RunStep[]
}

export interface RunOptions {
  /** `false`: no hash, to measure what it costs. Default `true`. */
  readonly hash?: boolean
  /** Keep the whole trace. Default `false`. */
  readonly trace?: boolean
  /** Keep who scheduled each event, to explain why two runs of one case differ (slow). Default `false`. */
  readonly stacks?: boolean
  /** Watch for what escapes the simulation (slower). Default `false`. */
  readonly watchEscapes?: boolean
}

/** Runs one case from its beginning to its end or its failure. Rejects only for mistakes in the definition itself. */
export type RunCase = (simCase: SimCase, options?: RunOptions) => Promise<RunResult>
