import type { Actor } from './actor.ts'
import type { Attachment } from './attachments.ts'
import type { TraceContext } from '../platform/trace-context.ts'
import type { CallOwner } from './pending-call.ts'
import type { NodeInfo } from './node-info.ts'
import type { NodeId } from './pid.ts'
import type { ProcedureName, RegionTarget } from './region-target.ts'
import type { ChoiceExplanation, RpcReport } from './rpc-report.ts'

export type { ProcedureName, RegionTarget } from './region-target.ts'

declare const types: unique symbol

/** A procedure as its callers see it: a name, a version, and the types of what goes in and comes out. */
export interface ProcedureRef<in out Input, out Output> extends ProcedureName {
  readonly [types]?: { input: (input: Input) => void; output: Output }
}

/** A streaming procedure as its callers see it: what goes in once, what comes out one by one, what goes in one by one. */
export interface StreamRef<in out Input, out Item, in Incoming = never> extends ProcedureName {
  readonly [types]?: { input: (input: Input) => void; item: Item; incoming: (incoming: Incoming) => void }
}

/** Options of `rpcRegion`, `rpcPrimary` and `rpc`. */
export interface RpcOptions {
  /**
   * Milliseconds until the call fails and the remote process is stopped. Default 5,000. More than 0. They begin when the turns that are
   * ready have run: at most a few milliseconds after the call, or a turn that takes longer.
   */
  readonly timeoutMs?: number
  /** Aborting it fails the call at once and stops the remote process. */
  readonly signal?: AbortSignal
  /**
   * Names the work, so that trying again does not do it twice: a node that is asked again by the same node, in the same life
   * and for the same procedure and version, gives the result that it has, or will have. It reaches the procedure as
   * `ctx.idempotencyKey`, to be stored with the write. 1 to 256 characters, no lone surrogates. See docs/how-to/idempotent-writes.md.
   */
  readonly idempotencyKey?: string
  /**
   * With a key: for how many milliseconds a connection that was lost under the call may come back, to the same life of the
   * node, before the call fails as `ERR_NODE_LOST`. If it does, the call goes on there by itself. 0 or more, 0: it fails at once; at most the
   * time that the call has. Default: 300, and eight of the round trips that were measured.
   */
  readonly reconnectMs?: number
  /**
   * Waits, while nobody in the target can serve the call, until somebody can, at most for the time that the call has: for a node
   * that can, of which it hears at once, and while those that are there refuse it as busy, leaving, not ready or not primary.
   * These are asked again, three at most, after pauses of up to 100 ms at first and 2 s in the end. Any other refusal fails it. Default
   * `false`: it fails at once with the regions that are known, or after three nodes.
   */
  readonly wait?: boolean
  /**
   * Runs it here, as a function call of the calling actor, if this node is one that the target leads to and its code is
   * on this thread; otherwise it is a call like any other. For what is called so often that a process, a copy and a turn
   * are too much. Given up are: the copy (input and result are the very objects), the isolation (a loop blocks the
   * caller, what it changes is changed), the stop (at the deadline, or when aborted, the call ends as `unknown` and what runs
   * goes on: `ctx.signal` is the calling actor's own), the limits on calls, `allow`, and the window of idempotency keys.
   * Schemas, errors, outcomes and `ctx.commit` are as always. Default `false`: the own region is like any other.
   */
  readonly inline?: boolean
  /**
   * Is told once how the call went, before its promise settles: which nodes were tried, and of every node that is known why
   * it was taken or not. What it throws is logged. It costs as much as the region table is long.
   */
  readonly explain?: (report: RpcReport) => void
}

/** Options of what waits for news, rather than for work. */
export interface WaitOptions {
  /** Milliseconds from now, more than 0. */
  readonly timeoutMs?: number
  /** Aborting it ends the wait, with `ERR_WAIT_ABORTED`. */
  readonly signal?: AbortSignal
}

/** The verbs that reach other regions, the same on a node, in an actor and in a procedure, on every thread. */
export interface RemoteVerbs {
  /**
   * Runs `procedure` in a process of its own on a node of that region and gives its result. The process is linked to
   * this call: when the caller ends, aborts or times out it is stopped; when it ends the call settles.
   *
   * Rejects with an `RpcError`, whose `code` says why and whose `outcome` says whether the procedure was run.
   *
   * @example
   * await node.rpcRegion('syd', createOrder, order, { timeoutMs: 2_000 })
   */
  rpcRegion<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output>
  /** `rpcRegion` to the primary region: the database's, where writes go. */
  rpcPrimary<Input, Output>(procedure: ProcedureRef<Input, Output>, input: Input, options?: RpcOptions): Promise<Output>
  /** The same on one node, wherever it is. */
  rpc<Input, Output>(
    node: NodeId,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output>
}

/** What this node knows of the regions, read from shared memory: no message, no lock, never throws. */
export interface RegionVerbs {
  readonly myRegion: string
  readonly primaryRegion: string
  readonly isPrimary: boolean
  /** Counts the changes of the primary region at run time; 0: it comes from configuration. */
  readonly primaryEpoch: number
  /** The regions that have a node up, this node's own included, sorted. */
  regions(): readonly string[]
  /** The nodes up in a region, this node included; empty for a region that is not known. */
  regionNodes(region: string): readonly NodeId[]
  /** Every node that is known, this one first: what it announced, and what was measured. */
  nodes(): readonly NodeInfo[]
  /** The region of a node, or `undefined` if the node is not known. */
  regionOf(node: NodeId): string | undefined
  /** Whether that node is up and serves the procedure at a version that fits. From the table, without a probe. */
  isRpcSupported(node: NodeId, procedure: ProcedureName): boolean
  /**
   * Which node a call would be sent to now, and of every other one why not. Nothing is sent. Among nodes that are alike two
   * are drawn by chance, so the next call may choose another. Throws `ERR_BAD_REGION`.
   *
   * @example
   * for (const { node, verdict } of ctx.explain(['syd', 'nearest'], createOrder).nodes) ctx.log.info({ node }, verdict)
   */
  explain(target: RegionTarget, procedure: ProcedureName): ChoiceExplanation
  /**
   * Resolves when a node of the region is up; `'primary'` is the region that is the primary then. `timeoutMs` defaults to
   * 10,000; a procedure waits at most for the time that it has.
   *
   * Rejects with a `RegionError`: `ERR_REGION_TIMEOUT`, naming the regions known; `ERR_WAIT_ABORTED`; `ERR_BAD_REGION` and
   * `ERR_BAD_OPTIONS` at once; `ERR_NODE_STOPPED` for plain code.
   */
  waitForRegion(region: string, options?: WaitOptions): Promise<void>
  /**
   * Makes another region the primary, for every node, and resolves when the region table of this node says so, with the epoch in which it
   * does: a new one. The others learn of it as of any news of a node, within milliseconds where they are linked, and a node that was away
   * when it comes back. The highest epoch wins; between two announcements of one epoch the higher node id does. So somebody elsewhere who
   * announced in the same epoch may win after this resolved, when the news of it comes: `primaryRegion` tells. What runs goes on: see
   * `primaryOnly`, and fence a database by `ctx.primaryEpoch`. Nothing of it is stored: when all nodes restart at the same time the
   * configuration holds again, so change that too.
   *
   * Rejects with a `PrimaryError`, `ERR_PRIMARY_OUTBID`, when the table says by then that another region won, which it names with its epoch:
   * `not-run` where a member announced the last epoch that there can be, with a higher id. Rejects with `ERR_REGION_TIMEOUT` when the table
   * does not know within 10 s of what was announced, and may come to know it later; with `ERR_NODE_STOPPED` for plain code, before or after
   * the announcement; with `ERR_BAD_REGION`; and where the node's own actors restart or are too busy with the `CallError` of a call, whose outcome says
   * whether it was announced: `ERR_NOPROC`, `ERR_CALLEE_EXITED`, `ERR_CALL_TIMEOUT` after 5 s.
   *
   * @example
   * const epoch = await ctx.setPrimaryRegion('fra')
   */
  setPrimaryRegion(region: string): Promise<number>
}

/** What core's upper levels put into a kernel, so that a context has those verbs without knowing who implements them. */
export interface RemoteServices extends Omit<RegionVerbs, 'waitForRegion' | 'setPrimaryRegion'> {
  /** As the verb of that name says. */
  waitForRegion(owner: RemoteOwner, region: string, options: WaitOptions): Promise<void>
  /** As the verb of that name says. */
  setPrimaryRegion(owner: RemoteOwner, region: string): Promise<number>
  /** Resolves when `condition`, asked at each change of the region table, is true. Rejects as `waitForRegion` does. */
  waitFor(owner: RemoteOwner, condition: () => boolean, what: string, options: WaitOptions): Promise<void>
  /** The region table was written: whoever waits for it looks again. */
  tableWritten(): void
  callRegion(
    owner: RemoteOwner,
    target: RegionTarget,
    procedure: ProcedureName,
    input: unknown,
    options: RpcOptions,
  ): Promise<unknown>
  callNode(
    owner: RemoteOwner,
    node: NodeId,
    procedure: ProcedureName,
    input: unknown,
    options: RpcOptions,
  ): Promise<unknown>
}

/** Who makes a region call. An actor's calls end with it; plain code's end with the node. */
export interface RemoteOwner extends CallOwner {
  /** Absent: plain code. */
  readonly actor?: Actor
  attach(attachment: Attachment): void
  detach(attachment: Attachment): void
  /** The moment (monotonic) when the owner's own work must be done; a nested call gets no more time than that. */
  readonly deadlineMs: number | undefined
  /** The place of the owner's own work in a trace; a nested call goes on from there. */
  readonly trace?: TraceContext | undefined
}
