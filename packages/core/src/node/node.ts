import type { Behavior } from '../actor/behavior.ts'
import type { CallOptions } from '../actor/context.ts'
import type { KernelCounters } from '../actor/counters.ts'
import { ActorError } from '../actor/errors.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import { callTimeoutMsDefault, plainCode } from '../actor/pending-call.ts'
import { type ActorName, actorName, type NodeId, type PartitionName, type Pid, type Target } from '../actor/pid.ts'
import type { Bearing, CallArgs, CallName, CallReply, CastArgs, CastName, MessageOf } from '../actor/protocol.ts'
import type { Replicated, ReplicatedOptions, ReplicaServices, ReplicaVerbs } from '../actor/remote-replica.ts'
import type { RemoteStream, RemoteStreamOptions, StreamServices, StreamVerbs } from '../actor/remote-stream.ts'
import type { CastOptions, EachOptions, EachResult, ManyServices, ManyTarget, ManyVerbs } from '../actor/remote-many.ts'
import type {
  ProcedureName,
  ProcedureRef,
  StreamRef,
  RegionTarget,
  RegionVerbs,
  RemoteServices,
  RemoteVerbs,
  RpcOptions,
  WaitOptions,
} from '../actor/remote-verbs.ts'
import type { NodeInfo } from '../actor/node-info.ts'
import type { ChoiceExplanation } from '../actor/rpc-report.ts'
import { isHere, type Placement } from '../actor/thread-starter.ts'
import { watchExit } from '../actor/watch.ts'
import { type Deferred, deferred } from '../base/deferred.ts'
import type { DiscoverySourceInfo } from '../discovery/discovery.ts'
import type { PeerLinkCounters } from '../mesh/peer-link-settings.ts'
import type { PrimaryConflict } from '../mesh/primary.ts'
import type { ChildInfo } from '../otp/child-table.ts'
import type { SupervisorProtocol } from '../otp/supervisor.ts'
import type { RegionTableReader } from '../region/region-table.ts'
import { type SchemaConflict, schemaConflicts } from '../region/schema-conflicts.ts'
import type { CallMeasurement } from '../thread/node-measures.ts'
import type { ThreadInfo } from '../thread/node-threads.ts'
import { NodeError } from './errors.ts'
import type { NodeParts } from './node-parts.ts'
import { PlainOwner } from './plain-owner.ts'
import { stopNode } from './stop-node.ts'

/** How a node came to its end. */
export interface NodeEnd {
  /** `'stopped'` by `stop`; `'failed'`: one of its two trees gave up, or its transport, and the process's exit code was set to 1. */
  readonly kind: 'stopped' | 'failed'
  readonly detail: string
}

/**
 * A running node, for plain code. Its verbs are those of an actor's context; calls made here belong to the node and end
 * with it.
 */
export class Node implements RemoteVerbs, ManyVerbs, StreamVerbs, ReplicaVerbs, RegionVerbs {
  /** Resolves when the node is down. Never rejects. */
  readonly closed: Promise<NodeEnd>
  readonly #parts: NodeParts
  readonly #closed: Deferred<NodeEnd> = deferred()
  /** Of the calls that plain code makes. */
  readonly #owner = new PlainOwner()
  /** Of what else it waits for, which ends as soon as the node begins to leave. */
  readonly #waiter = new PlainOwner()
  #stopping: Promise<void> | undefined

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.closed = this.#closed.promise
  }

  /** This node's id, as its transport authenticates it. */
  get id(): NodeId {
    return this.#parts.kernel.node
  }

  /** New at every boot. */
  get life(): number {
    return this.#parts.kernel.life
  }

  /** Where peers can dial this node. */
  get addresses(): readonly string[] {
    return this.#parts.addresses
  }

  /** Each source of `discovery`: what it named, and how often it failed. */
  discovery(): readonly DiscoverySourceInfo[] {
    return this.#parts.discovery.info()
  }

  // --- actors ---

  /** Starts an actor without a supervisor and waits for its init. For tests and tools; an app's actors belong in its tree. */
  async start<Args extends readonly unknown[], Protocol extends Bearing<Named>, Named = unknown>(
    behavior: Behavior<Args, Protocol>,
    args: Args,
    options: { readonly register?: ActorName<Named>; readonly thread?: Placement } = {},
  ): Promise<Pid<Protocol>> {
    const kernel = this.#running()
    const placement = options.thread ?? 'same'
    if (!isHere(placement, kernel.thread)) {
      const register = options.register?.name
      const spawn = { behavior, args, placement, parent: undefined, links: [], register }
      const { pid, started } = this.#parts.threads.start(spawn)
      await started
      return pid as Pid<Protocol>
    }
    const actor = kernel.spawn(behavior, args, { register: options.register?.name })
    await actor.started
    return actor.pid as Pid<Protocol>
  }

  /** As `ctx.call`. Rejects with a `CallError`. */
  call<Protocol, Name extends CallName<Protocol>>(
    target: Target<Protocol>,
    name: Name,
    args: CallArgs<Protocol, Name>,
    options?: CallOptions,
  ): Promise<CallReply<Protocol, Name>> {
    const timeoutMs = options?.timeoutMs ?? callTimeoutMsDefault
    const list = args as readonly unknown[]
    // Not an async function: that would be two more promises for each call.
    try {
      return this.#running().call(plainCode, target, name, list, timeoutMs) as Promise<CallReply<Protocol, Name>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As `ctx.cast`: no answer, and nobody there is a silent no-op. */
  cast<Protocol, Name extends CastName<Protocol>>(
    target: Target<Protocol>,
    name: Name,
    args: CastArgs<Protocol, Name>,
  ): void {
    const kernel = this.#running()
    const pid = kernel.resolve(target)
    if (pid === undefined) kernel.counters.deadLetters += 1
    else if (kernel.isLocal(pid)) kernel.post(plainCode, { type: 'cast', to: pid, name, args, encoded: false })
    else kernel.route({ type: 'cast', to: pid, name, args: kernel.encodeFor(pid, args, 'args'), encoded: true })
  }

  /** As `ctx.send`. Throws `ERR_NOPROC` for a name that nobody has. */
  send<Protocol>(target: Target<Protocol>, message: MessageOf<Protocol>): void {
    const kernel = this.#running()
    const pid = kernel.resolve(target)
    if (pid === undefined) throw new ActorError('ERR_NOPROC', `Nobody is registered as "${(target as ActorName).name}"`)
    if (kernel.isLocal(pid)) kernel.post(plainCode, { type: 'message', to: pid, message, encoded: false })
    else kernel.route({ type: 'message', to: pid, message: kernel.encodeFor(pid, message, 'message'), encoded: true })
  }

  /** Sends an exit signal; `'kill'` can't be trapped. */
  exit(target: Target, reason: ExitReason): void {
    const kernel = this.#running()
    const pid = kernel.resolve(target)
    if (pid === undefined) return
    if (!kernel.isLocal(pid)) kernel.encodeFor(pid, reason, 'reason')
    const from: Pid = { node: kernel.node, life: kernel.life, thread: 0, serial: 0 }
    kernel.route({ type: 'exit', from, to: pid, reason, viaLink: false })
  }

  /** Resolves with the reason when the actor ends; with `'noproc'` if it has. */
  async watch(pid: Pid): Promise<ExitReason> {
    return watchExit(this.#running(), pid)
  }

  whereis<Protocol>(name: ActorName<Protocol> | PartitionName<Protocol>): Pid<Protocol> | undefined {
    return this.#parts.kernel.names.find(name) as Pid<Protocol> | undefined
  }

  /** The children of a supervisor: of the app's root, of `'system'`, or of any other by its Pid. */
  whichChildren(supervisor: Pid | string = this.#parts.appName): Promise<ChildInfo[]> {
    const target = (typeof supervisor === 'string' ? actorName(supervisor) : supervisor) as Target<SupervisorProtocol>
    return this.call(target, 'whichChildren', [])
  }

  /** What was dropped, refused and restarted on the main thread since boot; {@link threads} tells of the others. */
  counters(): Readonly<KernelCounters> {
    return { ...this.#parts.kernel.counters }
  }

  /** What happened on the links to all peers since boot: dials, refusals, frames, and what was dropped of them. */
  linkCounters(): Readonly<PeerLinkCounters> {
    return { ...this.#parts.links.counters }
  }

  /** The threads of this node and what each holds, main first; one that answers nothing within a second is told without. */
  threads(): Promise<ThreadInfo[]> {
    this.#running()
    return this.#parts.threads.inspect()
  }

  /**
   * Measures the calls by region that this node makes and serves, on all of its threads, until it is stopped: what
   * `@skerry/core/prometheus` is made of. `buckets`: the upper bounds of durations, in seconds, ascending. While it runs, each
   * call costs its events, a few microseconds. A family has at most 1,000 series.
   *
   * @example
   * const measurement = node.measureCalls([0.01, 0.1, 1])
   * const failed = measurement.read().filter(({ family, labels }) => family === 'clientDuration' && labels.code !== 'OK')
   */
  measureCalls(buckets: readonly number[]): CallMeasurement {
    this.#running()
    return this.#parts.threads.measures.start(buckets)
  }

  // --- regions ---

  rpcRegion<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: RpcOptions = noOptions,
  ): Promise<Output> {
    // Not async, as that would be a second promise for each call.
    let remote: RemoteServices
    try {
      remote = this.#remote()
    } catch (error) {
      return Promise.reject(error)
    }
    return remote.callRegion(this.#owner, target, procedure, input, options) as Promise<Output>
  }

  rpcPrimary<Input, Output>(
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output> {
    return this.rpcRegion('primary', procedure, input, options)
  }

  async rpc<Input, Output>(
    node: NodeId,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: RpcOptions = {},
  ): Promise<Output> {
    return (await this.#remote().callNode(this.#owner, node, procedure, input, options)) as Output
  }

  async rpcEach<Input, Output>(
    target: ManyTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: EachOptions = {},
  ): Promise<EachResult<Output>[]> {
    return (await this.#many().callEach(this.#owner, target, procedure, input, options)) as EachResult<Output>[]
  }

  rpcCast<Input>(
    target: RegionTarget | ManyTarget,
    procedure: ProcedureRef<Input, unknown>,
    input: Input,
    options: CastOptions = {},
  ): void {
    this.#many().cast(target, procedure, input, options)
  }

  async rpcAndWait<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: ReplicatedOptions = {},
  ): Promise<Replicated<Output>> {
    const { replica } = this.#running()
    const result = await (replica as ReplicaServices).callAndWait(this.#owner, target, procedure, input, options)
    return result as Replicated<Output>
  }

  async caughtUp(token: string, options: WaitOptions = {}): Promise<boolean> {
    const { replica } = this.#running()
    return (replica as ReplicaServices).caughtUp(this.#owner, token, options)
  }

  stream<Input, Item, Incoming = never>(
    target: RegionTarget | { readonly node: NodeId },
    procedure: StreamRef<Input, Item, Incoming>,
    input: Input,
    options: RemoteStreamOptions<Incoming> = {},
  ): RemoteStream<Item> {
    const streams = this.#running().streams as StreamServices
    return streams.open(this.#owner, target, procedure, input, options) as RemoteStream<Item>
  }

  get myRegion(): string {
    return this.#table().data.myRegion
  }

  get primaryRegion(): string {
    return this.#table().data.primaryRegion
  }

  get isPrimary(): boolean {
    return this.myRegion === this.primaryRegion
  }

  get primaryEpoch(): number {
    return this.#table().data.primaryEpoch
  }

  async setPrimaryRegion(region: string): Promise<number> {
    return await this.#remote().setPrimaryRegion(this.#waiter, region)
  }

  /**
   * The nodes that are configured with another primary region than this one, by id: empty when all is well, and from the
   * first `setPrimaryRegion` on, which settles it. Each node goes by its own configuration until then, so that writes may go to two
   * regions.
   */
  primaryConflicts(): readonly PrimaryConflict[] {
    return this.#parts.memory.conflicts
  }

  /**
   * The nodes that announce other schemas than this one for a procedure of the same version, by the hashes of their schemas: empty
   * when all is well. Callers of such a procedure are served by either. Libraries of other versions may describe the same schema
   * differently, hence no error.
   *
   * @example
   * for (const { node: other, procedure } of node.schemaConflicts()) console.warn(`${procedure} differs on ${other}`)
   */
  schemaConflicts(): readonly SchemaConflict[] {
    return schemaConflicts(this.nodes())
  }

  regions(): readonly string[] {
    return this.#table().regions()
  }

  regionNodes(region: string): readonly NodeId[] {
    return this.#table().regionNodes(region)
  }

  nodes(): readonly NodeInfo[] {
    return this.#table().data.nodes
  }

  regionOf(node: NodeId): string | undefined {
    return this.#table().regionOf(node)
  }

  isRpcSupported(node: NodeId, procedure: ProcedureName): boolean {
    return this.#table().isRpcSupported(node, procedure.name, procedure.version)
  }

  explain(target: RegionTarget, procedure: ProcedureName): ChoiceExplanation {
    return this.#remote().explain(target, procedure)
  }

  async waitForRegion(region: string, options: WaitOptions = {}): Promise<void> {
    await this.#remote().waitForRegion(this.#waiter, region, options)
  }

  /** Resolves when `condition`, asked at each change of the region table, is true. Rejects as {@link waitForRegion} does. */
  async waitFor(condition: () => boolean, what: string, options: WaitOptions = {}): Promise<void> {
    await this.#remote().waitFor(this.#waiter, condition, what, options)
  }

  // --- the end ---

  /**
   * Leaves: announces it, refuses new work as not run, lets running calls of others, and of plain code here, finish (up to
   * `drainMs`), stops the app's children in reverse order, says goodbye to the peers. No call of another node is lost by
   * it that ends in that time. Plain code's verbs fail with `ERR_NODE_STOPPED` from now on. Idempotent. Never rejects.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop({ kind: 'stopped', detail: 'stop was called' })
    return this.#stopping
  }

  /** Whether it leaves, or has left. */
  get isLeaving(): boolean {
    return this.#stopping !== undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** The end of either tree is the end of the node. */
  watchRoots(system: Promise<ExitReason>, app: Promise<ExitReason>): void {
    const failed = (which: string) => (reason: ExitReason) =>
      this.#fail({ reason }, `${which} gave up: ${printReason(reason)}`)
    void system.then(failed('The node itself (system)'))
    void app.then(failed(`The app "${this.#parts.appName}"`))
  }

  /** The mesh can't be reached any more, and will not come back by itself. */
  transportFailed(error: Error): void {
    const code: unknown = 'code' in error ? error.code : undefined
    this.#fail({ code }, `The transport failed: ${error.message}`)
  }

  #fail(fields: object, detail: string): void {
    if (this.#stopping !== undefined) return
    const { platform } = this.#parts.kernel
    platform.log.error({ node: this.id, ...fields }, `${detail}; the node leaves`)
    platform.setExitCode(1)
    this.#stopping = this.#stop({ kind: 'failed', detail })
  }

  async #stop(end: NodeEnd): Promise<void> {
    await stopNode(this.#parts, { calls: this.#owner, waits: this.#waiter })
    this.#closed.resolve(end)
  }

  #running(): Kernel {
    if (this.#stopping !== undefined) throw new NodeError('ERR_NODE_STOPPED', 'The node is stopped')
    return this.#parts.kernel
  }

  #remote(): RemoteServices {
    return this.#running().remote as RemoteServices
  }

  #many(): ManyServices {
    return this.#running().many as ManyServices
  }

  #table(): ReturnType<RegionTableReader['read']> {
    return this.#parts.reader.read()
  }
}

const noOptions: RpcOptions = {}
