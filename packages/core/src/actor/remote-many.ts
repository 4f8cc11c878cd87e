import type { TraceContext } from '../platform/trace-context.ts'
import type { NodeId } from './pid.ts'
import type { ProcedureName, ProcedureRef, RegionTarget, RemoteOwner } from './remote-verbs.ts'
import type { Outcome } from './signal.ts'

/** Several nodes: all that are up in these regions (`'primary'` may stand for one of them), or these nodes. */
export type ManyTarget =
  | { readonly regions: 'all' | readonly string[]; readonly nodes?: never }
  | { readonly nodes: readonly NodeId[]; readonly regions?: never }

/** An `RpcError`, as far as this level knows it. */
export interface RemoteFailure extends Error {
  readonly code: string
  readonly outcome: Outcome
}

/** What came of one node's part of `rpcEach`. A region in which no node is up has a failure without a node. */
export type EachResult<Output> =
  | { readonly ok: true; readonly node: NodeId; readonly region: string; readonly value: Output }
  | {
      readonly ok: false
      readonly node: NodeId | undefined
      readonly region: string | undefined
      readonly error: RemoteFailure
    }

/** Options of `rpcEach`. */
export interface EachOptions {
  /** Milliseconds from now until every call that has not ended is given up. One deadline for all. Default 5,000. */
  readonly timeoutMs?: number
  /** Aborting it ends every call that has not ended, each with `ERR_RPC_ABORTED` in its place. */
  readonly signal?: AbortSignal
  /** How many nodes are asked at a time, from 1 to 1,024. Default 64. */
  readonly concurrency?: number
}

/** Options of `rpcCast`. */
export interface CastOptions {
  /** Milliseconds that the procedure may take, from its arrival there. Default 5,000. More than 0. */
  readonly timeoutMs?: number
}

/** The verbs that ask many nodes, or ask without an answer: the same on a node, in an actor and in a procedure. */
export interface ManyVerbs {
  /**
   * Runs `procedure` once on each of these nodes, at most `concurrency` at a time, and gives what came of each in order: by
   * region, as the target lists them (`'all'`: sorted), then by node id; for `nodes` as given. A node twice in a list is
   * asked once. Erlang's `erpc:multicall`.
   *
   * A node that fails has its `RpcError` in its place; so has a node that does not serve the procedure, which is not asked,
   * and a region without a node. Rejects only for what is wrong with the call itself: `ERR_BAD_REGION`, `ERR_BAD_OPTIONS`,
   * `ERR_NOT_ENCODABLE`. No node is asked twice, and none in place of another.
   *
   * @example
   * for (const one of await node.rpcEach({ regions: 'all' }, stats, undefined)) {
   *   console.log(one.region, one.ok ? one.value : one.error.code)
   * }
   */
  rpcEach<Input, Output>(
    target: ManyTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: EachOptions,
  ): Promise<EachResult<Output>[]>
  /**
   * Asks for `procedure` to be run, without an answer: on one node of a region, or on each of several. The remote process is
   * linked to nobody: neither the end of the one who asked, nor of its node, ends it, but its own deadline does. Erlang's
   * `erpc:cast` and `erpc:multicast`.
   *
   * Nothing is known of the outcome, not even whether it was begun: a node that can't be reached, refuses, or fails is told to
   * nobody. Refusals are counted there, and what was not sent is counted here (`castsNotRun`); what the procedure throws is
   * logged there. Never sent a second time. Throws an `RpcError` for what is wrong with the call itself, as `rpcEach` does.
   *
   * @example
   * ctx.rpcCast({ regions: 'all' }, forgetSession, sessionId)
   */
  rpcCast<Input>(
    target: RegionTarget | ManyTarget,
    procedure: ProcedureRef<Input, unknown>,
    input: Input,
    options?: CastOptions,
  ): void
}

/** What core's upper levels put into a kernel for {@link ManyVerbs}. */
export interface ManyServices {
  callEach(
    owner: RemoteOwner,
    target: ManyTarget,
    procedure: ProcedureName,
    input: unknown,
    options: EachOptions,
  ): Promise<EachResult<unknown>[]>
  /** `trace`: the place in a trace of the work that casts, where its context knows it. */
  cast(
    target: RegionTarget | ManyTarget,
    procedure: ProcedureName,
    input: unknown,
    options: CastOptions,
    trace?: TraceContext,
  ): void
}
