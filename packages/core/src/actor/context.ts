import { assert } from '../base/assert.ts'
import type { Clock } from '../platform/clock.ts'
import type { Files } from '../platform/files.ts'
import type { Random } from '../platform/random.ts'
import type { Log } from '../platform/log.ts'
import { noteTrace, type TraceContext } from '../platform/trace-context.ts'
import type { Actor } from './actor.ts'
import { actorFiles } from './actor-files.ts'
import { ActorTimer } from './actor-timer.ts'
import type { Behavior, Runtime } from './behavior.ts'
import { Alias } from './alias.ts'
import { ActorError } from './errors.ts'
import type { ExitReason } from './exit-reason.ts'
import { neverSettles, whileAlive } from './life-promises.ts'
import type { DownMessage, ExitMessage, NodeDownMessage, NodeUpMessage } from './mailbox.ts'
import { callTimeoutMsDefault } from './pending-call.ts'
import { type ActorName, type NodeId, type PartitionName, type Pid, samePid, type Target } from './pid.ts'
import type { Bearing, CallArgs, CallName, CallReply, CastArgs, CastName, MessageOf } from './protocol.ts'
import type { Replicated, ReplicatedOptions, ReplicaServices, ReplicaVerbs } from './remote-replica.ts'
import type { RemoteStream, RemoteStreamOptions, StreamVerbs } from './remote-stream.ts'
import type { CastOptions, EachOptions, EachResult, ManyServices, ManyTarget, ManyVerbs } from './remote-many.ts'
import type {
  ProcedureName,
  ProcedureRef,
  StreamRef,
  RegionTarget,
  RegionVerbs,
  RemoteOwner,
  RemoteServices,
  RemoteVerbs,
  RpcOptions,
  WaitOptions,
} from './remote-verbs.ts'
import type { NodeInfo } from './node-info.ts'
import type { ChoiceExplanation } from './rpc-report.ts'
import type { CastSignal, MessageSignal } from './signal.ts'
import { isHere, type Placement } from './thread-starter.ts'

/** A plain message, or one that links, monitors or `monitorNodes` deliver. */
export type Message =
  | ExitMessage
  | DownMessage
  | NodeUpMessage
  | NodeDownMessage
  | object
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined

export interface CallOptions {
  /**
   * Milliseconds until the call rejects with `ERR_CALL_TIMEOUT`, rounded up. Default 5,000. The callee is not told. On one thread
   * they begin when the turns that are ready have run: at most a few milliseconds after the call, or a turn that takes longer.
   */
  readonly timeoutMs?: number
}

export interface StartOptions<Named = unknown> {
  /** Link the new actor to this one: the default for `start`, not for `spawn`. */
  readonly link?: boolean
  /** A name for it on this node, of a protocol that it has. Rejects with `ERR_NAME_TAKEN` if another has it. */
  readonly register?: ActorName<Named>
  /** On which thread: this one by default. */
  readonly thread?: Placement
}

/** Identifies a monitor, for `demonitor`. */
export type MonitorRef = { readonly ref: number; readonly pid: Pid }

export interface DemonitorOptions {
  /** Also removes its `DOWN` if that has arrived and was not handled yet, as OTP's option does. Default `false`. */
  readonly flush?: boolean
}

/**
 * What an actor's code is handed: its own address and every verb. It belongs to one life of one actor. After that life
 * nothing it does has an effect: sends are dropped and counted, and promises of its verbs never settle.
 */
export class Context implements RemoteVerbs, ManyVerbs, StreamVerbs, ReplicaVerbs, RegionVerbs {
  /** When this actor's work must be done, in the clock's monotonic milliseconds. Only remote processes have one. */
  deadlineMs: number | undefined
  readonly #kernel: Runtime
  #actor: Actor | undefined
  #trace: TraceContext | undefined
  // Made on first use, as most actors have no files.
  #files: Files | undefined

  /** Without an `actor` there is a `becomeActor`. */
  constructor(kernel: Runtime, actor: Actor | undefined) {
    this.#kernel = kernel
    this.#actor = actor
  }

  /** The place of the work in hand in a trace, if its caller gave one: calls that are made meanwhile go on from there. */
  get trace(): TraceContext | undefined {
    return this.#trace
  }

  set trace(trace: TraceContext | undefined) {
    if (trace !== undefined) noteTrace()
    this.#trace = trace
  }

  /** This actor's address. */
  get self(): Pid {
    return this.ownActor.pid
  }

  /** Whose context it is. */
  protected get ownActor(): Actor {
    return this.#actor ?? this.#become()
  }

  #become(): Actor {
    this.#actor = this.becomeActor()
    return this.#actor
  }

  /** Makes the actor of a context that had none so far: it is asked for something that takes one. */
  protected becomeActor(): Actor {
    assert(false, 'a context without an actor can make one')
  }

  /** This node's id. */
  get node(): NodeId {
    return this.#kernel.node
  }

  /** The node's clock: use it instead of `Date.now` and `setTimeout`, so that the actor can be simulated. */
  get clock(): Clock {
    return this.#kernel.platform.clock
  }

  /** The node's randomness, for the same reason. */
  get random(): Random {
    return this.#kernel.platform.random
  }

  /** The node's files: use them instead of `node:fs`, for the same reason. All actors of the node share them. */
  get files(): Files {
    this.#files ??= actorFiles(this.#kernel.platform.files, {
      isOver: () => this.#isOver(),
      whileAlive: (promise) => whileAlive(this.ownActor, promise),
    })
    return this.#files
  }

  get log(): Log {
    return this.#kernel.platform.log
  }

  /** Aborts when this actor ends, whatever the reason. Hand it to I/O that should end with the actor. */
  get signal(): AbortSignal {
    return this.ownActor.signal
  }

  /** Whether exit signals arrive as `EXIT` messages instead of ending this actor. `kill` always ends it. */
  set trapExit(trap: boolean) {
    this.ownActor.trapExit = trap
  }

  get trapExit(): boolean {
    return this.ownActor.trapExit
  }

  /** Starts an actor without waiting for its init and without a link (unless asked): Erlang's `spawn`. */
  spawn<Args extends readonly unknown[], Protocol extends Bearing<Named>, Named = unknown>(
    behavior: Behavior<Args, Protocol>,
    args: Args,
    options: StartOptions<Named> = {},
  ): Pid<Protocol> {
    return this.#begin(behavior, args, { link: false, ...options }).pid as Pid<Protocol>
  }

  /**
   * Starts an actor linked to this one and waits until its init is done: Erlang's `start_link`.
   * Rejects with `ERR_START_FAILED` (`reason` says why), `ERR_NAME_TAKEN`, `ERR_NO_MODULE`, `ERR_MODULE_LOAD`.
   */
  async start<Args extends readonly unknown[], Protocol extends Bearing<Named>, Named = unknown>(
    behavior: Behavior<Args, Protocol>,
    args: Args,
    options: StartOptions<Named> = {},
  ): Promise<Pid<Protocol>> {
    const { pid, started } = this.#begin(behavior, args, { link: true, ...options })
    await whileAlive(this.ownActor, started())
    return pid as Pid<Protocol>
  }

  #begin(
    behavior: Behavior,
    args: readonly unknown[],
    options: StartOptions,
  ): { pid: Pid; started: () => Promise<void> } {
    const kernel = this.#kernel
    if (this.#isOver()) {
      const error = new ActorError('ERR_ACTOR_EXITED', 'An actor that has ended can not start others')
      return { pid: kernel.allocatePid(), started: () => Promise.reject(error) }
    }
    const link = options.link === true ? this.self : undefined
    const placement = options.thread ?? 'same'
    if (!isHere(placement, kernel.thread)) {
      if (kernel.threads === undefined) throw new ActorError('ERR_NO_MODULE', 'This platform has no threads')
      const { pid, started } = kernel.threads.start({
        behavior,
        args,
        placement,
        parent: this.self,
        links: link === undefined ? [] : [link],
        register: options.register?.name,
      })
      return { pid, started: () => started }
    }
    const actor = kernel.spawn(behavior, args, { parent: this.self, link, register: options.register?.name })
    return { pid: actor.pid, started: () => actor.started }
  }

  /** Sends a plain message. To a dead actor it is a silent no-op; to a name that nobody has it throws `ERR_NOPROC`. */
  send<Protocol>(target: Target<Protocol>, message: MessageOf<Protocol>): void {
    if (this.#isOver()) return
    const kernel = this.#kernel
    const { recent } = kernel
    if (recent !== undefined && recent.pid === target) {
      recent.receive({ type: 'message', to: recent.pid, message, encoded: false })
      return
    }
    const pid = kernel.resolve(target)
    if (pid === undefined) {
      throw new ActorError('ERR_NOPROC', `Nobody is registered as "${(target as ActorName).name}"`)
    }
    this.#route(pid, { type: 'message', to: pid, message, encoded: false })
  }

  /** Asks a GenServer without waiting for an answer. To anybody who isn't there it is a silent no-op. */
  cast<Protocol, Name extends CastName<Protocol>>(
    target: Target<Protocol>,
    name: Name,
    args: CastArgs<Protocol, Name>,
  ): void {
    if (this.#isOver()) return
    const kernel = this.#kernel
    const { recent } = kernel
    if (recent !== undefined && recent.pid === target) {
      recent.receive({ type: 'cast', to: recent.pid, name, args, encoded: false })
      return
    }
    const pid = kernel.resolve(target)
    if (pid === undefined) kernel.counters.deadLetters += 1
    else this.#route(pid, { type: 'cast', to: pid, name, args, encoded: false })
  }

  /**
   * Asks a GenServer and waits for its answer; this actor handles nothing else meanwhile. Rejects with a `CallError`,
   * whose `outcome` says whether the handler ran.
   *
   * @example
   * const count = await ctx.call(pid, 'add', [2], { timeoutMs: 500 })
   */
  call<Protocol, Name extends CallName<Protocol>>(
    target: Target<Protocol>,
    name: Name,
    args: CallArgs<Protocol, Name>,
    options?: CallOptions,
  ): Promise<CallReply<Protocol, Name>> {
    if (this.#isOver()) return neverSettles()
    const timeoutMs = options?.timeoutMs ?? callTimeoutMsDefault
    const list = args as readonly unknown[]
    return this.#kernel.call(this.ownActor, target, name, list, timeoutMs, this) as Promise<CallReply<Protocol, Name>>
  }

  /** Links two lives: when one ends, the other gets its exit signal. At most one link between two actors. */
  link(pid: Pid): void {
    if (this.#isOver() || samePid(pid, this.self)) return
    this.ownActor.relations.addLink(pid)
    this.#kernel.route({ type: 'link', from: this.self, to: pid })
  }

  /** Removes the link. An `EXIT` message that is already queued stays. */
  unlink(pid: Pid): void {
    if (this.#isOver()) return
    if (this.ownActor.relations.removeLink(pid)) this.#kernel.route({ type: 'unlink', from: this.self, to: pid })
  }

  /**
   * One more address of this actor, until it is released: messages and casts to it arrive as if sent to the actor. What is
   * sent later is dropped and counted (`deadLetters`), what is in the mailbox by then stays: so a question that nobody
   * waits for any more leaves no late answers. Calls, links and monitors of an alias get `noproc`. It ends with this actor.
   * The idea is Erlang's process alias.
   *
   * @example
   * const answers = ctx.alias()
   * ctx.send(other, { question, answerTo: answers.pid })
   * ctx.sendAfter(1_000, ctx.self, 'enough') // then: answers.release()
   */
  alias<Protocol = unknown>(): { readonly pid: Pid<Protocol>; release(): void } {
    const alias = new Alias(this.#kernel, this.ownActor, this.#kernel.allocatePid())
    if (this.#isOver()) alias.release()
    return { pid: alias.pid as Pid<Protocol>, release: () => alias.release() }
  }

  /** Watches an actor: one `DOWN` message when it ends, at once with `noproc` if it already has. */
  monitor(target: Target): MonitorRef {
    const ref = this.#kernel.nextRef()
    const pid = this.#kernel.resolve(target)
    const nobody: Pid = { node: this.#kernel.node, life: this.#kernel.life, thread: this.#kernel.thread, serial: 0 }
    if (this.#isOver()) return { ref, pid: pid ?? nobody }
    this.ownActor.relations.addMonitor(ref, pid ?? nobody)
    this.#kernel.route({ type: 'monitor', from: this.self, to: pid ?? nobody, ref })
    return { ref, pid: pid ?? nobody }
  }

  /** Ends a monitor. A `DOWN` that is already queued stays, unless `flush` takes it out, which looks at every message. */
  demonitor(monitor: MonitorRef, options: DemonitorOptions = {}): void {
    if (this.#isOver()) return
    if (options.flush === true) this.ownActor.mailbox.removeDown(monitor.ref)
    const pid = this.ownActor.relations.removeMonitor(monitor.ref)
    if (pid !== undefined) this.#kernel.route({ type: 'demonitor', from: this.self, to: pid, ref: monitor.ref })
  }

  /**
   * Subscribes to connections with other nodes: a `nodeUp` message before anything that the node's actors say, a `nodeDown`
   * behind everything that came from it and behind its `DOWN` and `EXIT` messages; a new life is always preceded by the end of
   * the old one. Gives the nodes that are up now, for which no `nodeUp` comes. They need no room in the mailbox. Once is
   * enough: unlike Erlang's `monitor_nodes`, subscriptions do not stack.
   *
   * @example
   * for (const { node, region } of ctx.monitorNodes()) greet(node, region)
   * info: (ctx, message) => message.type === 'nodeDown' && forget(message.node)
   */
  monitorNodes(): readonly NodeUpMessage[] {
    if (this.#isOver()) return []
    this.#kernel.nodes.add(this.ownActor)
    return this.#kernel.nodes.nodes
  }

  /** Ends the subscription. Messages that are queued already stay. */
  demonitorNodes(): void {
    this.#kernel.nodes.remove(this.ownActor)
  }

  /**
   * Lets other nodes send signals to an actor of this node, as if its Pid had been sent to one of them: for a Pid that
   * travels in a form of its own, such as `formatPid` makes. It can't be taken back.
   */
  sendOut(pid: Pid = this.self): void {
    if (!this.#isOver()) this.#kernel.sendOut(pid)
  }

  /** Sends an exit signal, as if from a linked actor; `'kill'` can't be trapped. To itself: ends at once, without `terminate`. */
  exit(target: Target, reason: ExitReason): void {
    if (this.#isOver()) return
    const pid = this.#kernel.resolve(target)
    if (pid === undefined) return
    // As for a message: what can't travel is an error for its sender.
    if (!this.#kernel.isLocal(pid)) this.#kernel.encodeFor(pid, reason, 'reason')
    this.#kernel.route({ type: 'exit', from: this.self, to: pid, reason, viaLink: false })
  }

  /** Gives this actor, or another of this node, a name. Rejects with `ERR_NAME_TAKEN`. The name is free when the actor ends. */
  async register(name: ActorName, pid: Pid = this.self): Promise<void> {
    if (this.#isOver()) return neverSettles()
    await whileAlive(this.ownActor, Promise.resolve(this.#kernel.registerName(name.name, pid)))
  }

  /** Who has the name on this node, or is the partition of the key. */
  whereis<Protocol>(name: ActorName<Protocol> | PartitionName<Protocol>): Pid<Protocol> | undefined {
    return this.#kernel.names.find(name) as Pid<Protocol> | undefined
  }

  /** Sends a message later. The timer ends with this actor. Returns a function that cancels it. */
  sendAfter<Protocol>(delayMs: number, target: Target<Protocol>, message: MessageOf<Protocol>): () => void {
    if (this.#isOver()) return () => undefined
    const actor = this.ownActor
    const timer = new ActorTimer(actor, this.clock, delayMs, () => this.#sendLate(actor, target, message))
    return () => timer.cancel()
  }

  #sendLate(actor: Actor, target: Target, message: unknown): void {
    const pid = this.#kernel.resolve(target)
    if (pid === undefined) {
      this.#kernel.counters.deadLetters += 1
      return
    }
    try {
      this.#route(pid, { type: 'message', to: pid, message, encoded: false })
    } catch (error) {
      // It can't be encoded for another node. In a timer nobody else would catch it: it is this actor's error.
      actor.crash(error)
    }
  }

  // --- regions ---

  rpcRegion<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: RpcOptions = {},
  ): Promise<Output> {
    if (this.#isOver()) return neverSettles()
    return this.#remote().callRegion(this.#owner(), target, procedure, input, options) as Promise<Output>
  }

  rpcPrimary<Input, Output>(
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output> {
    return this.rpcRegion('primary', procedure, input, options)
  }

  rpc<Input, Output>(
    node: NodeId,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: RpcOptions = {},
  ): Promise<Output> {
    if (this.#isOver()) return neverSettles()
    return this.#remote().callNode(this.#owner(), node, procedure, input, options) as Promise<Output>
  }

  rpcEach<Input, Output>(
    target: ManyTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: EachOptions = {},
  ): Promise<EachResult<Output>[]> {
    if (this.#isOver()) return neverSettles()
    const results = this.#many().callEach(this.#owner(), target, procedure, input, options)
    return whileAlive(this.ownActor, results as Promise<EachResult<Output>[]>)
  }

  rpcCast<Input>(
    target: RegionTarget | ManyTarget,
    procedure: ProcedureRef<Input, unknown>,
    input: Input,
    options: CastOptions = {},
  ): void {
    if (!this.#isOver()) this.#many().cast(target, procedure, input, options, this.trace)
  }

  rpcAndWait<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options: ReplicatedOptions = {},
  ): Promise<Replicated<Output>> {
    if (this.#isOver()) return neverSettles()
    const result = this.#replica().callAndWait(this.#owner(), target, procedure, input, options)
    return whileAlive(this.ownActor, result as Promise<Replicated<Output>>)
  }

  caughtUp(token: string, options: WaitOptions = {}): Promise<boolean> {
    if (this.#isOver()) return neverSettles()
    return whileAlive(this.ownActor, this.#replica().caughtUp(this.#owner(), token, options))
  }

  stream<Input, Item, Incoming = never>(
    target: RegionTarget | { readonly node: NodeId },
    procedure: StreamRef<Input, Item, Incoming>,
    input: Input,
    options: RemoteStreamOptions<Incoming> = {},
  ): RemoteStream<Item> {
    return given(this.#kernel.streams).open(this.#owner(), target, procedure, input, options) as RemoteStream<Item>
  }

  get myRegion(): string {
    return this.#remote().myRegion
  }

  get primaryRegion(): string {
    return this.#remote().primaryRegion
  }

  get isPrimary(): boolean {
    return this.#remote().isPrimary
  }

  get primaryEpoch(): number {
    return this.#remote().primaryEpoch
  }

  regions(): readonly string[] {
    return this.#remote().regions()
  }

  regionNodes(region: string): readonly NodeId[] {
    return this.#remote().regionNodes(region)
  }

  nodes(): readonly NodeInfo[] {
    return this.#remote().nodes()
  }

  regionOf(node: NodeId): string | undefined {
    return this.#remote().regionOf(node)
  }

  isRpcSupported(node: NodeId, procedure: ProcedureName): boolean {
    return this.#remote().isRpcSupported(node, procedure)
  }

  explain(target: RegionTarget, procedure: ProcedureName): ChoiceExplanation {
    return this.#remote().explain(target, procedure)
  }

  waitForRegion(region: string, options: WaitOptions = {}): Promise<void> {
    if (this.#isOver()) return neverSettles()
    return this.#remote().waitForRegion(this.#owner(), region, options)
  }

  setPrimaryRegion(region: string): Promise<number> {
    if (this.#isOver()) return neverSettles()
    return whileAlive(this.ownActor, this.#remote().setPrimaryRegion(this.#owner(), region))
  }

  #remote(): RemoteServices {
    return given(this.#kernel.remote)
  }

  #replica(): ReplicaServices {
    return given(this.#kernel.replica)
  }

  #many(): ManyServices {
    return given(this.#kernel.many)
  }

  #owner(): RemoteOwner {
    const actor = this.ownActor
    return {
      actor,
      get alive() {
        return actor.alive
      },
      attach: (attachment) => actor.attach(attachment),
      detach: (attachment) => actor.detach(attachment),
      deadlineMs: this.deadlineMs,
      trace: this.trace,
    }
  }

  #route(pid: Pid, signal: MessageSignal | CastSignal): void {
    const kernel = this.#kernel
    if (kernel.isLocal(pid)) {
      kernel.post(this.ownActor, signal)
      return
    }
    // Encoded here, so that a body that can't travel is an error for its sender and for nobody else.
    if (signal.type === 'message') {
      kernel.away.route({ ...signal, message: kernel.encodeFor(pid, signal.message, 'message'), encoded: true })
    } else {
      kernel.away.route({ ...signal, args: kernel.encodeFor(pid, signal.args, 'args'), encoded: true })
    }
  }

  /** Whether this life has ended; counts the attempt. */
  #isOver(): boolean {
    if (this.ownActor.alive) return false
    this.#kernel.counters.afterExit += 1
    return true
  }
}

function given<Services>(services: Services | undefined): Services {
  if (services === undefined) throw new ActorError('ERR_NOPROC', 'The node has no region services yet')
  return services
}
