import type { AppDefinition, Behavior } from '@skerry/core'
import type { Fault } from '../fault/fault.ts'
import type { FaultFamilies } from '../fault/fault-plan.ts'
import type { Verdict } from '../history/history.ts'
import type { RttOptions } from '../network/rtt-matrix.ts'
import type { Sim } from './sim.ts'
import type { SimNodeSpec } from './sim-case.ts'

/** Something that must hold. */
export interface Invariant {
  /** Names it in reports; a shrunk case must break the invariant of this id. */
  readonly id: string
  /** Asked every `everyMs`, between two events; it only looks. A message, or a verdict that is not ok, fails the run. */
  readonly check?: (sim: Sim) => Verdict | string | void
  /** How often `check` is asked, in virtual milliseconds; `'event'`: after every event. Default 100. */
  readonly everyMs?: number | 'event'
  /** Asked once, when the workload is over and all is healed. It may call actors and wait. */
  readonly atEnd?: (sim: Sim) => Promise<Verdict | string | void> | Verdict | string | void
}

/** What is simulated: a cluster, what goes wrong in it, what its users do, and what must hold. */
export interface SimulationOptions {
  /** Default: the app's name. */
  readonly name?: string
  /** What every node runs, or what a node runs. */
  readonly app: AppDefinition | ((node: SimNodeSpec) => AppDefinition)
  /** Children, by id at any depth, whose behavior is replaced: those that own files, sockets or native code. */
  readonly replace?: Readonly<Record<string, Behavior>>
  /** How many nodes each region has. They are called `syd-1`, `syd-2` … */
  readonly regions: Readonly<Record<string, number>>
  /** Default: the first region. */
  readonly primary?: string
  /** How many seeds a swarm takes, from 1 on, or which. Default 20 (`SIM_RUNS`, `SIM_SEED` and `SIM_TIME` in the environment win). */
  readonly seeds?: number | readonly number[]
  readonly network?: RttOptions
  /** What may go wrong. Default: nothing. */
  readonly faults?: FaultFamilies | 'all' | readonly Fault[]
  /** How long things go wrong, in virtual milliseconds. Default 60,000. */
  readonly durationMs?: number
  /** How long the healed cluster may take to work again, in virtual milliseconds. Default 30,000. */
  readonly healMs?: number
  /** What users do. It is over when its promise resolves; it is started at time 0, when no node has booted yet. */
  readonly workload?: (sim: Sim) => Promise<void>
  readonly invariants?: readonly Invariant[]
  /** What happens when code reaches past the simulation (files, sockets, real threads …). Default `'error'`. */
  readonly escapes?: 'error' | 'warn'
  /** The environment of every node. Default: empty. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Whether messages between actors of one thread are cloned, so that shared state shows. Default `true`. */
  readonly copies?: boolean
  /** How long after its app gave up a node is booted again, in virtual ms. Default 1,000. */
  readonly restartMs?: number
  /** Events that one run may take. Default 20,000,000: then it ends, inconclusive. */
  readonly eventsMax?: number
}
