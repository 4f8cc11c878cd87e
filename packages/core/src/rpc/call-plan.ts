import type { NodeId } from '../actor/pid.ts'
import type { ProcedureName, RegionTarget } from '../actor/remote-verbs.ts'
import type { ChoiceExplanation } from '../actor/rpc-report.ts'
import type { Failure } from '../actor/signal.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'

/** Where a call goes, and what for: the same for all that a caller makes to one place. */
export interface CallPlan {
  readonly procedure: ProcedureName
  /** What the caller asked for, as text; none for a call to one node. */
  readonly region: string | undefined
  readonly callerRegion: string
  readonly target: RegionTarget
  readonly chooser: Chooser
}

/** Finds the nodes for calls: one for all of them, as a closure for each would cost more than the choice. */
export interface Chooser {
  /** The first node for a call, in the turn in which its plan was made for it, or why there is none. */
  first(plan: CallPlan): RegionTableNode | Failure
  /** The next node for a call, of those that were not tried, or why there is none. */
  choose(plan: CallPlan, tried: ReadonlySet<NodeId>): RegionTableNode | Failure
  /** The same for who wants to know why. */
  explain(plan: CallPlan, tried: ReadonlySet<NodeId>): Decision
  /** Calls `listener` after each change of the region table, until the function that it gives back is called. */
  onTable(listener: () => void): () => void
}

/** The next node of a call, or why there is none; explained, if the caller wants to know. */
export interface Decision {
  readonly chosen: RegionTableNode | Failure
  readonly explanation?: ChoiceExplanation
}
