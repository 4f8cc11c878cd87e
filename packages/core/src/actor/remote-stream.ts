import type { NodeId } from './pid.ts'
import type { RpcReport } from './rpc-report.ts'
import type { ProcedureName, RegionTarget, RemoteOwner, StreamRef } from './remote-verbs.ts'

/** Options of `stream`. */
export interface RemoteStreamOptions<Incoming = never> {
  /** Items for the procedure, taken one by one as it asks for them. What it throws ends the stream with `ERR_RPC_ABORTED`, unless the procedure reads no more. */
  readonly incoming?: Iterable<Incoming> | AsyncIterable<Incoming>
  /** Milliseconds for the whole stream, from its first `next`. Default: none, unless the caller has a deadline of its own. */
  readonly timeoutMs?: number
  /** Milliseconds that one `next` may wait for its item before the stream ends with `ERR_RPC_TIMEOUT`. Default: none. */
  readonly idleTimeoutMs?: number
  /**
   * Milliseconds that the other side may say nothing at all, from 100 to 3,600,000, before the stream ends with
   * `ERR_STREAM_SILENT`, on both sides. One that has no item says at least twice in that time that it lives; one whose
   * thread is stuck can't. Also how long its process may take to come up. Default 15,000.
   */
  readonly silentMs?: number
  /** Aborting it ends the stream at once, and its procedure. Items that have come and were not read are dropped. */
  readonly signal?: AbortSignal
  /**
   * Waits, while nobody in the target can serve it, until somebody can, as a call with `wait` does: at most for `timeoutMs`, and for
   * `idleTimeoutMs`. Default `false`.
   */
  readonly wait?: boolean
  /** As for a call: is told once how the stream went, when it has ended, with the nodes that were tried and why they were chosen. */
  readonly explain?: (report: RpcReport) => void
  /** How many items may be on their way or unread, each way, from 1 to 65,536. Default 256. */
  readonly windowItems?: number
  /** The same in bytes, from 1,024 to 64 MiB; one item may go beyond. Default 1 MiB. */
  readonly windowBytes?: number
}

/** The items of a stream. It begins with its first `next`. */
export interface RemoteStream<Item> extends AsyncIterableIterator<Item, undefined, undefined> {
  return(): Promise<IteratorResult<Item, undefined>>
  throw(error: unknown): Promise<IteratorResult<Item, undefined>>
  [Symbol.asyncIterator](): RemoteStream<Item>
}

/** The verb for results that come one by one: the same on a node, in an actor and in a procedure. */
export interface StreamVerbs {
  /**
   * Runs a `streamProcedure` in a process of its own on a node of that region, or on that node, and gives its items as they
   * come: in order, none twice, none left out before the end. The process makes an item only when there is room for it here
   * (`windowItems`, `windowBytes`), and is stopped when the loop is left, when its owner ends, or the link is lost. A call in
   * flight to the node's limits, for as long as it lasts.
   *
   * After the last item the loop ends, or throws an `RpcError`, as a call would: `ERR_NODE_LOST` (`unknown`) for a lost link,
   * `ERR_REMOTE_ERROR` (`ran`) for what the procedure threw. Until its procedure has begun it is tried at another node where a
   * call would be, and no incoming item is taken; never after that. Whoever calls `next` and then neither reads on nor calls `return` keeps the process until the owner ends,
   * or `timeoutMs` passes.
   *
   * @example
   * for await (const line of node.stream('primary', tailLog, { since })) console.log(line)
   */
  stream<Input, Item, Incoming = never>(
    target: RegionTarget | { readonly node: NodeId },
    procedure: StreamRef<Input, Item, Incoming>,
    input: Input,
    options?: RemoteStreamOptions<Incoming>,
  ): RemoteStream<Item>
}

/** What core's upper levels put into a kernel for {@link StreamVerbs}. */
export interface StreamServices {
  open(
    owner: RemoteOwner,
    target: RegionTarget | { readonly node: NodeId },
    procedure: ProcedureName,
    input: unknown,
    options: RemoteStreamOptions<unknown>,
  ): RemoteStream<unknown>
}
