import type { Attachment } from './actor.ts'
import type { TraceContext } from '../platform/trace-context.ts'
import type { CallOwner } from './pending-call.ts'
import type { NodeId } from './pid.ts'

declare const types: unique symbol

/** What identifies a procedure in the mesh. */
export interface ProcedureName {
  readonly name: string
  readonly version: number
}

/** A procedure as its callers see it: a name, a version, and the types of what goes in and comes out. */
export interface ProcedureRef<in out Input, out Output> extends ProcedureName {
  readonly [types]?: { input: (input: Input) => void; output: Output }
}

/** A streaming procedure as its callers see it: what goes in once, what comes out one by one, what goes in one by one. */
export interface StreamRef<in out Input, out Item, in Incoming = never> extends ProcedureName {
  readonly [types]?: { input: (input: Input) => void; item: Item; incoming: (incoming: Incoming) => void }
}

/**
 * Where work should run: a region's name; `'primary'`; `'nearest'` (the own region, else the one with the smallest
 * measured round trip); or an ordered list of these, of which the first with a fitting node is taken.
 */
export type RegionTarget = string | readonly string[]

/** Options of `rpcRegion`, `rpcPrimary` and `rpc`. */
export interface RpcOptions {
  /** Milliseconds from now until the call fails and the remote process is stopped. Default 5,000. More than 0. */
  readonly timeoutMs?: number
  /** Aborting it fails the call at once and stops the remote process. */
  readonly signal?: AbortSignal
  /** Reaches the procedure as `ctx.idempotencyKey`. At most 256 characters. */
  readonly idempotencyKey?: string
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
  /** The region of a node, or `undefined` if the node is not known. */
  regionOf(node: NodeId): string | undefined
  /** Whether that node is up and serves the procedure at a version that fits. From the table, without a probe. */
  isRpcSupported(node: NodeId, procedure: ProcedureName): boolean
}

/** What core's upper levels put into a kernel, so that a context has those verbs without knowing who implements them. */
export interface RemoteServices extends RegionVerbs {
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
  attach(attachment: Attachment): void
  detach(attachment: Attachment): void
  /** The moment (monotonic) when the owner's own work must be done; a nested call gets no more time than that. */
  readonly deadlineMs: number | undefined
  /** The place of the owner's own work in a trace; a nested call goes on from there. */
  readonly trace?: TraceContext | undefined
}
