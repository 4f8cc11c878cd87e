import type { NodeId } from './pid.ts'
import type { ProcedureName, RegionTarget } from './region-target.ts'
import type { Outcome } from './signal.ts'

/**
 * Why a node was taken or not:
 * - `taken`;
 * - `longer-wait`: it was compared with the one that was taken, and a call would wait longer there;
 * - `not-drawn`: it could have served as well; two others were compared;
 * - `tried`: the call had been there before;
 * - `less-preferred`: its region stands further down the list, or is farther away;
 * - `not-asked-for`: the target does not lead to its region;
 * - `no-procedure`: it does not serve the procedure at that version;
 * - `stuck`: its main thread gives no sign of life, and others can serve;
 * - `draining`, `leaving`: it takes no new work.
 */
export type NodeVerdict =
  | 'taken'
  | 'longer-wait'
  | 'not-drawn'
  | 'tried'
  | 'less-preferred'
  | 'not-asked-for'
  | 'no-procedure'
  | 'stuck'
  | 'draining'
  | 'leaving'

/** What was known of a node when a choice was made, and what it came to. */
export interface ExplainedNode {
  readonly node: NodeId
  readonly region: string
  readonly verdict: NodeVerdict
  /** The versions of the procedure that it has; empty for none. */
  readonly versions: readonly number[]
  /** Milliseconds; 0 for this node itself, `undefined` if it was never measured. */
  readonly rttMs: number | undefined
  /** How busy its event loop is, from 0 to 1. */
  readonly load: number
  /** The calls of others that it works on. */
  readonly inFlight: number
  /** What two nodes are compared by, in milliseconds of an idle node; only of those that were compared. */
  readonly expectedWaitMs: number | undefined
}

/** One choice of a node, as plain data. */
export interface ChoiceExplanation {
  readonly target: RegionTarget
  readonly procedure: ProcedureName
  /** The version of the region table that it was made by. */
  readonly tableVersion: number
  readonly taken: NodeId | undefined
  /** Why none was taken. */
  readonly refusal: string | undefined
  /** Every node of the table, the one that was taken first. */
  readonly nodes: readonly ExplainedNode[]
}

/** One node that a call was sent to. */
export interface Attempt {
  readonly node: NodeId
  readonly region: string
  /** `'ok'` for the one that answered; the error's code otherwise. */
  readonly code: string
  readonly outcome: Outcome
}

/** How a call went, as plain data: what the `explain` option is given. */
export interface RpcReport {
  readonly procedure: ProcedureName
  /** `'ok'`, or the code that the caller got. */
  readonly code: string
  /** In order; of a call that waits the last 32. */
  readonly attempts: readonly Attempt[]
  /** The choices that were made, in order, of a call that waits the last 32; the last one may have found no node. None for a call to one node. */
  readonly choices: readonly ChoiceExplanation[]
}
