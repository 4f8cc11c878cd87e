import type { Codec } from '../codec/codec.ts'
import { CodecError } from '../codec/errors.ts'
import { bodyBytesMaxDefault } from '../codec/limits.ts'
import { CreditAccounts } from '../base/credit-account.ts'
import type { HeldBytes } from '../base/held-bytes.ts'
import { wasRead } from '../base/received-bytes.ts'
import { SerialTable } from '../base/serial-table.ts'
import { LimitedLog } from '../platform/limited-log.ts'
import type { Platform } from '../platform/platform.ts'
import { sometimes } from '../platform/property.ts'
import { actorExits, actorSpawns } from '../platform/telemetry.ts'
import { activeTrace, carriedTrace, type InTrace, type Tracing, tracing } from '../platform/trace-context.ts'
import { Actor, type ActorOptions, type Process } from './actor.ts'
import { AwayReplier } from './away-replier.ts'
import { Alias } from './alias.ts'
import type { BegunMarks } from './begun-marks.ts'
import type { Behavior, Runtime, SpawnOptions } from './behavior.ts'
import {
  answerUndecodable,
  argsUnencodable,
  calleeLost,
  callingSelf,
  noSuchActor,
  nobodyHasName,
} from './call-failures.ts'
import { traceCall, traceOfCall } from './call-trace.ts'
import { type KernelCounters, newKernelCounters } from './counters.ts'
import { DeadlineQueue } from './deadline-queue.ts'
import {
  type EdgeHolder,
  Edges,
  edgesPerNodeMax,
  isLost,
  type LoneEdge,
  type LoneHolder,
  type LostPeer,
} from './edges.ts'
import type { ExitReason } from './exit-reason.ts'
import type { KernelStats } from './kernel-stats.ts'
import { handedOver, handedSignal, handingReplier, handOverBetween } from './hand-over.ts'
import { type LetterCount, noLetterCount } from './letter-count.ts'
import type { Addressable } from './host.ts'
import type { Replier, Request } from './mailbox.ts'
import { Names } from './names.ts'
import { NodeWatchers } from './node-watchers.ts'
import { type CallHost, type CallOwner, PendingCall } from './pending-call.ts'
import { isPid, type NodeId, type Pid, type Target } from './pid.ts'
import type { ManyServices } from './remote-many.ts'
import type { ReplicaServices } from './remote-replica.ts'
import type { StreamServices } from './remote-stream.ts'
import type { RemoteServices } from './remote-verbs.ts'
import type { Router } from './router.ts'
import type {
  CancelSignal,
  CastSignal,
  LinkSignal,
  MessageSignal,
  MonitorSignal,
  ReplySignal,
  Signal,
  SpawnSignal,
} from './signal.ts'
import type { BehaviorHead, ThreadStarter } from './thread-starter.ts'
import { answerUndeliverable } from './undeliverable.ts'

export interface KernelOptions {
  readonly node: NodeId
  readonly life: number
  readonly thread: number
  readonly platform: Platform
  readonly codec: Codec
  /** See `Runtime`. Default 64 MiB. */
  readonly bodyBytesMax?: number
  /** What all streams of one peer may make this thread hold, in bytes. Default 64 MiB. */
  readonly perPeerBytesMax?: number
  /** Default: counts nothing. */
  readonly letters?: LetterCount
  /** Default: one of its own. */
  readonly limitedLog?: LimitedLog
}

/** A process that is no actor as yet. Its address is made when somebody asks for it. */
interface LightActor {
  readonly pid: Pid
  readonly label: string
}

/** On whose account a limited line of the log is: of a peer, or of the actor that it is about. */
export const limitedBy: readonly string[] = ['peer', 'actor']
const perPeerBytesMaxDefault = 64 * 1024 * 1024

/** Runs the actors of one thread: gives them addresses, carries their signals, and answers for those that are gone. */
export class Kernel implements Runtime, CallHost {
  readonly node: NodeId
  readonly life: number
  readonly thread: number
  readonly platform: Platform
  readonly codec: Codec
  readonly bodyBytesMax: number
  readonly counters: KernelCounters = newKernelCounters()
  readonly letters: LetterCount
  readonly limitedLog: LimitedLog
  readonly credit: CreditAccounts
  readonly tracing: Tracing = tracing
  readonly names: Names = new Names()
  /** The nodes that are up, and who is told of changes. */
  readonly nodes: NodeWatchers = new NodeWatchers()
  readonly deadlines: DeadlineQueue
  /** See `Runtime`. There is none where the platform hands things over in a way of its own. */
  recent: Actor | undefined
  /** Carries what is not for this thread. Set by the composition root. */
  away: Router
  /** Calls by region. Set by the composition root. */
  remote: RemoteServices | undefined
  /** What waits for the local replica. Set by the composition root. */
  replica: ReplicaServices | undefined
  /** Streams. Set by the composition root. */
  streams: StreamServices | undefined
  /** Calls of many nodes. Set by the composition root. */
  many: ManyServices | undefined
  /** Starts actors on threads of their own. Set by the composition root where that is possible. */
  threads: ThreadStarter | undefined
  /** Which remote processes on other threads have begun. Set by the composition root where there are such. */
  begunMarks: BegunMarks | undefined
  /** What the decoded inputs of remote processes take. Set by the composition root of a thread; main's calls are counted elsewhere. */
  inputs: HeldBytes | undefined
  /** How a name is registered: at once on the main thread, through it elsewhere. */
  registerName: (name: string, pid: Pid, partitions?: number) => Promise<void> | void
  /** Takes requests for this node. Only on the main thread. */
  inbox: ((signal: SpawnSignal | CancelSignal) => void) | undefined
  /** Told of each actor whose Pid was sent to another node; not of its own by main, which looks at the actor. */
  onSentOut: ((pid: Pid) => void) | undefined
  /** Told of every actor that ended, before anybody else is. */
  onRemoved: ((pid: Pid, reason: ExitReason) => void) | undefined

  /** Whether the platform has a way of its own to hand something over: asked once, as every local call needs it. */
  readonly #handsOver: boolean
  readonly #entities = new SerialTable<Addressable>()
  /** Whom calls that leave the thread are from: their number finds who waits. */
  readonly #caller: Pid
  readonly #edges = new Edges()
  readonly #awayCalls = new SerialTable<PendingCall>()
  /** Other threads give even ones away, and 1 is the actor that a thread of its own is started for; not on the main thread. */
  readonly #serialStep: number
  #nextSerial: number
  #staysHere = false
  /** Processes that are no actors as yet. */
  #light = 0
  #nextRef = 1

  constructor(options: KernelOptions) {
    this.recent = undefined
    this.node = options.node
    this.life = options.life
    this.thread = options.thread
    this.#caller = { node: options.node, life: options.life, thread: options.thread, serial: 0 }
    this.#serialStep = options.thread === 0 ? 1 : 2
    this.#nextSerial = options.thread === 0 ? 1 : 3
    this.platform = options.platform
    this.codec = options.codec
    this.bodyBytesMax = options.bodyBytesMax ?? bodyBytesMaxDefault
    this.letters = options.letters ?? noLetterCount
    this.limitedLog = options.limitedLog ?? new LimitedLog(options.platform, { by: limitedBy })
    this.credit = new CreditAccounts(options.perPeerBytesMax ?? perPeerBytesMaxDefault, this.bodyBytesMax)
    this.#handsOver = options.platform.handOver !== undefined
    this.deadlines = new DeadlineQueue(options.platform.clock, options.platform.turns)
    this.registerName = (name, pid, partitions) => this.names.register(name, pid, partitions)
    this.away = { route: (signal) => this.bounce(signal, 'noconnection') }
  }

  get actorCount(): number {
    return this.#entities.size + this.#light
  }

  get stats(): KernelStats {
    return {
      actors: this.actorCount,
      edges: this.#edges.size,
      awayCalls: this.#awayCalls.size,
      nodes: this.#nodesCrossed(),
      names: this.names.size,
      counters: { ...this.counters },
    }
  }

  #nodesCrossed(): NodeId[] {
    const nodes = this.#edges.nodes()
    for (const [, { callee }] of this.#awayCalls.entries()) nodes.add(callee.node)
    nodes.delete(this.node)
    return [...nodes]
  }

  /** A number that no other reference of this thread has. */
  nextRef(): number {
    return this.#nextRef++
  }

  /** A fresh address on this thread. */
  allocatePid(): Pid {
    return this.pidOf(this.allocateSerial())
  }

  /** The number of a fresh address, for what is mostly never asked for it. */
  allocateSerial(): number {
    const serial = this.#nextSerial
    this.#nextSerial += this.#serialStep
    return serial
  }

  pidOf(serial: number): Pid {
    return { node: this.node, life: this.life, thread: this.thread, serial }
  }

  isLocal(pid: Pid): boolean {
    return pid.thread === this.thread && pid.life === this.life && pid.node === this.node
  }

  resolve(target: Target): Pid | undefined {
    return 'serial' in target ? target : this.names.find(target)
  }

  /**
   * Starts an actor on this thread; its init runs in a later turn and settles `started`. Throws `ERR_NAME_TAKEN`; where
   * another thread owns the names, `started` rejects with it, and nothing ran.
   */
  spawn(behavior: Behavior, args: readonly unknown[], options: SpawnOptions = {}): Actor {
    const actor = new Actor(this, this.allocatePid(), actorOptions(behavior, options))
    const registering = options.register === undefined ? undefined : this.registerName(options.register, actor.pid)
    this.#addNew(actor)
    if (registering === undefined) {
      const process = this.#createProcess(actor, behavior, args)
      const isOrphan = options.link !== undefined && !this.#linkNew(actor, options.link)
      actor.begin(process)
      // Whoever is told may end it: that must reach its starter and its process.
      tellSpawn(actor)
      if (isOrphan) actor.exit('noproc')
    } else {
      tellSpawn(actor)
      registering
        .then(() => {
          if (options.link !== undefined && !this.#linkNew(actor, options.link)) actor.exit('noproc')
          if (actor.alive) actor.begin(this.#createProcess(actor, behavior, args))
        })
        .catch((error: unknown) => {
          actor.startFailed(() => error)
          actor.exit('noproc')
        })
    }
    return actor
  }

  /** One that can't be made leaves nothing behind: neither an address nor a name. */
  #createProcess(actor: Actor, behavior: Behavior, args: readonly unknown[]): Process {
    try {
      return behavior.createProcess(this, actor, args)
    } catch (thrown) {
      actor.startFailed(() => thrown)
      actor.exit('noproc')
      throw thrown
    }
  }

  /** An actor whose code is not there yet: what is sent to it waits until it begins. It is linked to `links`, which know. */
  prepare(head: BehaviorHead, pid: Pid, options: SpawnOptions, links: readonly Pid[]): Actor {
    const actor = new Actor(this, pid, actorOptions(head, options))
    this.#addNew(actor)
    for (const link of links) actor.relations.addLink(link)
    tellSpawn(actor)
    return actor
  }

  #addNew(actor: Actor): void {
    this.add(actor)
    if (actor.isSentOut && this.thread !== 0) this.onSentOut?.(actor.pid)
    this.platform.onActor?.({ type: 'spawn', pid: actor.pid, label: actor.label })
  }

  /** A process begins that is no actor as yet. Whoever is told of an address may use it: so nobody listens to `actorSpawns`. */
  lightBegan(light: LightActor): void {
    this.#light += 1
    this.platform.onActor?.({ type: 'spawn', pid: light.pid, label: light.label })
  }

  /** It has ended in order, and was no actor. */
  lightEnded(light: LightActor): void {
    this.#light -= 1
    this.platform.onActor?.({ type: 'exit', pid: light.pid, label: light.label, reason: 'normal' })
    if (!actorExits.hasSubscribers) return
    actorExits.publish({ ...light.pid, label: light.label, system: false, reason: 'normal' })
  }

  /** It becomes an actor, to be begun by who runs it. */
  lightBecomes(pid: Pid, head: BehaviorHead, options: SpawnOptions): Actor {
    this.#light -= 1
    const actor = new Actor(this, pid, actorOptions(head, options))
    this.add(actor)
    return actor
  }

  /** Stands for an actor that has ended. */
  deadActor(pid: Pid, head: BehaviorHead): Actor {
    const actor = new Actor(this, pid, actorOptions(head, {}))
    actor.life = 'exited'
    return actor
  }

  /** `false`: its starter is dead. Such a one can have no linked actor, which would be an orphan that nobody ends. */
  #linkNew(actor: Actor, link: Pid): boolean {
    const starter = this.actor(link)
    if (starter === undefined) return false
    starter.relations.addLink(actor.pid)
    if (actor.alive) actor.relations.addLink(link)
    else this.route({ type: 'exit', from: actor.pid, to: link, reason: 'noproc', viaLink: true })
    return true
  }

  add(entity: Addressable): void {
    this.#entities.set(entity.pid.serial, entity)
  }

  /** Takes away an address that is not an actor's. */
  forget(pid: Pid): void {
    this.#entities.delete(pid.serial)
  }

  entity(pid: Pid): Addressable | undefined {
    return this.isLocal(pid) ? this.#entities.get(pid.serial) : undefined
  }

  actor(pid: Pid): Actor | undefined {
    const entity = this.entity(pid)
    return entity instanceof Actor ? entity : undefined
  }

  remove(entity: { readonly pid: Pid }, reason: ExitReason): void {
    this.#entities.delete(entity.pid.serial)
    this.names.free(entity.pid)
    if (entity === this.recent) this.recent = undefined
    if (entity instanceof Actor) this.nodes.remove(entity)
    this.onRemoved?.(entity.pid, reason)
  }

  route(signal: Signal): void {
    if (this.isLocal(signal.to)) this.deliver(signal)
    else this.away.route(signal)
  }

  /** Carries a request for a node, or its cancellation, to that node's inbox; the own node's included. */
  routeSpawn(signal: SpawnSignal | CancelSignal): void {
    if (this.inbox !== undefined && signal.to.life === this.life && signal.to.node === this.node) this.inbox(signal)
    else this.away.route(signal)
  }

  /** Acts on a signal for this thread. */
  deliver(signal: Signal): void {
    if (signal.type === 'reply' && signal.ref !== 0) {
      this.#deliverReply(signal)
      return
    }
    const entity = this.#entities.get(signal.to.serial)
    if (entity === undefined) this.bounce(signal, 'noproc')
    else entity.deliver(signal)
  }

  /** Answers a signal that can't reach its target, as Erlang does for a dead one; counts it if nobody waits. */
  bounce(signal: Signal, reason: 'noproc' | 'noconnection' | 'threadlost'): void {
    const answer = answerUndeliverable(signal, reason)
    if (answer !== undefined) this.route(answer)
    else if (signal.type === 'message' || signal.type === 'cast') {
      if (reason === 'noproc') this.counters.deadLetters += 1
      else this.counters.unsent += 1
    } else if (signal.type === 'reply' || signal.type === 'item') this.counters.lateReplies += 1
    else if (signal.type === 'spawn') this.counters.castsNotRun += 1
  }

  addEdge(target: Pid, holder: EdgeHolder): void {
    if (!this.isLocal(target)) this.#edges.add(target, holder)
  }

  /** The same for one that holds a single edge, and keeps it. */
  addLoneEdge(target: Pid, holder: LoneHolder): LoneEdge | undefined {
    return this.isLocal(target) ? undefined : this.#edges.addLone(target, holder)
  }

  removeLoneEdge(edge: LoneEdge | undefined, holder: LoneHolder): void {
    if (edge !== undefined) this.#edges.removeLone(edge, holder)
  }

  mayJoin(signal: LinkSignal | MonitorSignal): boolean {
    const { from } = signal
    if (from.node === this.node || this.#edges.countOf(from) < edgesPerNodeMax) return true
    this.counters.refusedSignals += 1
    this.bounce(signal, 'noconnection')
    return false
  }

  removeEdge(target: Pid, holder: EdgeHolder): void {
    if (!this.isLocal(target)) this.#edges.remove(target, holder)
  }

  /** Another node or thread is gone: everything toward it fires now, exactly once. */
  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void {
    this.#edges.lost(lost, reason)
    for (const [ref, call] of this.#awayCalls.entries()) {
      const target = call.callee
      if (!isLost(target, lost)) continue
      this.#awayCalls.delete(ref)
      call.fail(calleeLost(lost, reason(target)))
    }
  }

  // --- calls ---

  call(
    owner: CallOwner,
    target: Target,
    name: string,
    args: readonly unknown[],
    timeoutMs: number,
    work?: InTrace,
  ): Promise<unknown> {
    const { recent } = this
    if (recent === undefined || recent.pid !== target || recent === owner) {
      return this.#callFound(owner, target, name, args, timeoutMs, work)
    }
    const call = new PendingCall(this, owner, target, name, args)
    const answer = call.wait()
    if (this.tracing.isOn) this.#trace(call, work)
    this.#ask(recent, call, timeoutMs)
    return answer
  }

  /** Of a callee that must be looked up. */
  #callFound(
    owner: CallOwner,
    target: Target,
    name: string,
    args: readonly unknown[],
    timeoutMs: number,
    work: InTrace | undefined,
  ): Promise<unknown> {
    const pid = this.resolve(target)
    const call = new PendingCall(this, owner, pid ?? target, name, args)
    const answer = call.wait()
    if (this.tracing.isOn) this.#trace(call, work)
    if (pid === undefined) {
      call.fail(nobodyHasName)
    } else if (this.isLocal(pid)) {
      this.#callLocal(call, owner, pid, timeoutMs)
    } else {
      this.#callAway(call, pid, args, timeoutMs)
    }
    return answer
  }

  // Apart, so that a call without a trace stays small enough to be compiled as one piece.
  #trace(call: PendingCall, work: InTrace | undefined): void {
    traceCall(call, activeTrace() ?? work?.trace, this.platform.clock.monotonic())
  }

  #ask(actor: Actor, call: PendingCall, timeoutMs: number): void {
    if (actor.busy) this.deadlines.add(call, timeoutMs)
    else this.deadlines.addSoon(call, timeoutMs)
    actor.receive(call)
  }

  #callLocal(call: PendingCall, owner: CallOwner, pid: Pid, timeoutMs: number): void {
    const actor = this.#entities.get(pid.serial)
    if (!(actor instanceof Actor)) {
      call.fail(noSuchActor)
      return
    }
    if (actor === owner) {
      call.fail(callingSelf)
      return
    }
    if (this.#handsOver) {
      this.#callHandingOver(call, owner, actor, timeoutMs)
      return
    }
    if (actor.pid === pid) this.recent = actor
    this.#ask(actor, call, timeoutMs)
  }

  /** As the platform wants it, which it does in simulation only: out of the way of the call that is made most often. */
  #callHandingOver(call: PendingCall, owner: CallOwner, actor: Actor, timeoutMs: number): void {
    const handOver = handOverBetween(this.platform, owner, actor)
    let request: Request = call
    if (handOver !== undefined) {
      let args: unknown
      try {
        args = handedOver(handOver, call.args, 'args')
      } catch (error) {
        call.fail(argsUnencodable(error))
        return
      }
      request = { type: 'request', name: call.name, args, encoded: false, replier: handingReplier(handOver, call) }
      const traced = traceOfCall(call)
      traceCall(request, traced?.trace, traced?.madeMs)
    }
    this.deadlines.add(call, timeoutMs)
    actor.receive(request)
  }

  #callAway(call: PendingCall, pid: Pid, args: readonly unknown[], timeoutMs: number): void {
    let encoded: Uint8Array
    try {
      encoded = this.encodeFor(pid, args, 'args')
    } catch (error) {
      call.fail(argsUnencodable(error))
      return
    }
    // Only their bytes travel.
    call.args = undefined
    const ref = this.nextRef()
    this.#awayCalls.set(ref, call)
    call.awayRef = ref
    this.deadlines.add(call, timeoutMs)
    const from = this.#caller
    const trace = carriedTrace(traceOfCall(call)?.trace)
    this.away.route({ type: 'call', to: pid, from, ref, name: call.name, trace, args: encoded, encoded: true })
  }

  awayCallOver(ref: number): void {
    this.#awayCalls.delete(ref)
  }

  #deliverReply({ ref, result, via }: ReplySignal): void {
    const waiting = this.#awayCalls.get(ref)
    sometimes(waiting === undefined, 'skerry/a reply came after its call was over')
    if (waiting === undefined) {
      this.counters.lateReplies += 1
      return
    }
    if (via !== undefined && via !== waiting.callee.node) {
      this.counters.refusedSignals += 1
      return
    }
    if (!result.ok) {
      waiting.fail(result.failure)
      return
    }
    try {
      waiting.reply(this.open(result.value, result.encoded, true))
    } catch (error) {
      waiting.fail(answerUndecodable(error))
    }
  }

  replierTo(from: Pid, ref: number): Replier {
    return new AwayReplier(this, from, ref)
  }

  /** Puts a message or cast of this thread in the mailbox of one of its actors. Throws `ERR_NOT_ENCODABLE` where copies are made. */
  post(from: CallOwner, signal: MessageSignal | CastSignal): void {
    const entity = this.#entities.get(signal.to.serial)
    if (!(entity instanceof Actor)) this.#postElsewhere(from, signal, entity)
    else if (this.#handsOver) entity.receive(handedSignal(this.platform, from, entity, signal))
    else {
      if (entity.pid === signal.to) this.recent = entity
      entity.receive(signal)
    }
  }

  /** To what is no actor: an alias of one, or nobody. */
  #postElsewhere(from: CallOwner, signal: MessageSignal | CastSignal, entity: Addressable | undefined): void {
    if (!(entity instanceof Alias)) this.counters.deadLetters += 1
    else if (this.#handsOver) entity.deliver(handedSignal(this.platform, from, entity.actor, signal))
    else entity.deliver(signal)
  }

  encodeFor(to: Pid, value: unknown, name: string): Uint8Array {
    this.#staysHere = to.node === this.node
    try {
      return this.codec.encode(value, name)
    } finally {
      this.#staysHere = false
    }
  }

  /** Shown what is encoded, of which a Pid of this node that goes to another counts as sent out. */
  onEncoded(value: object): void {
    if (!this.#staysHere && isPid(value)) this.sendOut(value)
  }

  sendOut(pid: Pid): void {
    if (pid.node !== this.node || pid.life !== this.life) return
    if (pid.thread !== this.thread) {
      this.onSentOut?.(pid)
      return
    }
    const entity = this.#entities.get(pid.serial)
    if (entity?.isSentOut !== false) return
    entity.isSentOut = true
    if (this.thread !== 0) this.onSentOut?.(pid)
  }

  /** A body as the handler should see it. `given`: nobody else has it, as with an answer. Throws `ERR_NOT_DECODABLE`. */
  open(body: unknown, encoded: boolean, given = false): unknown {
    if (!encoded) return body
    const value = this.codec.decode(body as Uint8Array, given)
    if (given) wasRead(body as Uint8Array)
    return value
  }

  openArgs(body: unknown, encoded: boolean): readonly unknown[] {
    const args = this.open(body, encoded)
    if (!Array.isArray(args)) throw new CodecError('ERR_NOT_DECODABLE', 'The arguments are not a list')
    return args as readonly unknown[]
  }

  /** Ends every actor at once and cancels every timer. The last thing in a thread's or a node's life. */
  stop(): void {
    for (const [, entity] of this.#entities.entries()) if (entity instanceof Actor) entity.exit('shutdown')
    this.deadlines.stop()
    this.limitedLog.stop()
  }
}

function tellSpawn({ pid, label, system }: Actor): void {
  if (actorSpawns.hasSubscribers) actorSpawns.publish({ ...pid, label, system })
}

function actorOptions(behavior: BehaviorHead, options: SpawnOptions): ActorOptions {
  return {
    label: options.register ?? behavior.name,
    parent: options.parent,
    trapExit: behavior.trapExit,
    mailboxLimit: behavior.mailboxLimit,
    mailboxPolicy: behavior.mailboxPolicy,
    system: options.system ?? false,
    takesCode: behavior.takesCode ?? false,
    isSentOut: behavior.remote === 'members',
    keeper: options.keeper,
  }
}
