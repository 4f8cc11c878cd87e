import type { ProcedureName, ProcedureRef, RegionTarget, RemoteOwner, RpcOptions, WaitOptions } from './remote-verbs.ts'

/** The value of a call, and whether what it wrote can be read here now. */
export interface Replicated<Output> {
  readonly value: Output
  /** What the procedure gave to `ctx.commit`; none if it committed nothing. */
  readonly token: string | undefined
  /** `false`: the local replica had not passed the token in time. The write is done all the same. */
  readonly replicated: boolean
}

/** Options of `rpcAndWait`. */
export interface ReplicatedOptions extends RpcOptions {
  /** Milliseconds that the replica has after the answer, from 0. Default 5,000. `timeoutMs` is for the call only. */
  readonly replicaTimeoutMs?: number
}

/** The verbs to read one's own writes from a local replica: the same on a node, in an actor and in a procedure. */
export interface ReplicaVerbs {
  /**
   * `rpcRegion`, and then `caughtUp` with the token that the procedure gave to `ctx.commit`. That the replica is late is no
   * error, as the write is done: `replicated` is `false` then. A call without a token has nothing to wait for: `true`.
   *
   * Rejects as `rpcRegion` does, and with a `ReplicaError`: `ERR_NO_REPLICA` or `ERR_BAD_OPTIONS` before anything was sent; after the
   * write, also by its `signal` (`ERR_WAIT_ABORTED`), it has the `Replicated` in `written`.
   *
   * @example
   * const { value, replicated } = await node.rpcAndWait('primary', createOrder, order)
   * if (!replicated) showFrom(value) // else read it from the local database
   */
  rpcAndWait<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: ReplicatedOptions,
  ): Promise<Replicated<Output>>
  /**
   * Resolves with `true` when the local replica (`replica` of `startNode`) has passed that token, with `false` when it has not
   * within `timeoutMs` (from 0, default 5,000). It asks the replica again after each progress. At most 10,000 wait on a node.
   *
   * Rejects with a `ReplicaError`: `ERR_NO_REPLICA`, `ERR_BAD_TOKEN`, `ERR_BAD_OPTIONS`, `ERR_WAIT_ABORTED`, `ERR_OVERLOADED`,
   * `ERR_REPLICA_FAILED`, `ERR_NODE_STOPPED`.
   *
   * @example
   * if (await ctx.caughtUp(request.headers['x-token'], { timeoutMs: 1_000 })) return readHere(ctx)
   */
  caughtUp(token: string, options?: WaitOptions): Promise<boolean>
}

/** What core's upper levels put into a kernel for {@link ReplicaVerbs}. */
export interface ReplicaServices {
  callAndWait(
    owner: RemoteOwner,
    target: RegionTarget,
    procedure: ProcedureName,
    input: unknown,
    options: ReplicatedOptions,
  ): Promise<Replicated<unknown>>
  caughtUp(owner: RemoteOwner, token: string, options: WaitOptions): Promise<boolean>
}
