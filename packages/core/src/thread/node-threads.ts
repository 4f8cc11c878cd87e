import type { LostPeer } from '../actor/edges.ts'
import { ActorError } from '../actor/errors.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { KernelStats } from '../actor/kernel-stats.ts'
import { type Pid, samePid } from '../actor/pid.ts'
import type { Router } from '../actor/router.ts'
import type { Signal } from '../actor/signal.ts'
import type { ThreadSpawn, ThreadStarter } from '../actor/thread-starter.ts'
import { type ErrorData, errorData } from '../base/error-data.ts'
import type { HeldBytesLimits } from '../base/held-bytes.ts'
import { sometimes } from '../platform/property.ts'
import type { ThreadEnd } from '../platform/threads.ts'
import { Arrivals } from './arrivals.ts'
import { checkMsOf } from './block-words.ts'
import { closeWay } from './closed-way.ts'
import { HostedThread } from './hosted-thread.ts'
import { NodeMeasures } from './node-measures.ts'
import { endsOrphan, orphanGraceMs } from './orphan.ts'
import { type LoadBehavior, PlacedActors } from './placed-actors.ts'
import { PoolGuard } from './pool-guard.ts'
import { refusalByThread } from './refusal.ts'
import { RespawnWaits } from './respawn-waits.ts'
import type { Batch } from './thread-channel.ts'
import { lossOf } from './thread-loss.ts'
import type { Begun, FromThread, NameRequest, PlacedActor, ThreadBoot, ThreadDown, ToThread } from './thread-message.ts'
import { rootSerial, ThreadStarts } from './thread-starts.ts'
import { ThreadTable } from './thread-table.ts'

/** The threads of their own that one node runs at a time. One more is refused with `ERR_TOO_MANY_THREADS`. */
const ownThreadsMax = 128

/** One thread of a node, as `node.threads()` shows it. */
export interface ThreadInfo {
  /** 0 is the main thread. */
  readonly thread: number
  readonly kind: 'main' | 'pool' | 'own'
  /** Absent when it did not answer within a second. */
  readonly stats: KernelStats | undefined
}

export interface PoolOptions {
  readonly size: number
  /** How long a pool thread may give no sign of life, in milliseconds, before it is replaced. */
  readonly blockedMs: number
}

export interface NodeThreadsOptions {
  readonly kernel: Kernel
  readonly regionTable: SharedArrayBuffer
  /** What the decoded inputs of remote processes may take on each thread. */
  readonly inputs: HeldBytesLimits
  readonly pool: PoolOptions
  readonly load: LoadBehavior
  /** Acts on signals from threads that are not for this thread's actors: other threads and other nodes. */
  readonly onSignal: (signal: Signal) => void
  /** A thread is gone, after everything that it had said: other nodes should hear of it. */
  readonly onLost: (lost: LostPeer) => void
}

/**
 * The main thread's side of the node's other threads, those of the pool and those of a single actor: starts them,
 * carries signals between them and main or other nodes, introduces them to each other, replaces those of the pool that
 * are stuck or lost, kills.
 */
export class NodeThreads implements ThreadStarter, Router {
  readonly table: ThreadTable
  readonly measures: NodeMeasures
  readonly #options: NodeThreadsOptions
  readonly #starts: ThreadStarts
  readonly #placed: PlacedActors
  readonly #threads = new Map<number, HostedThread>()
  readonly #respawns: RespawnWaits
  readonly #guard: PoolGuard
  readonly #arrivals = new Arrivals()
  #stopped = false

  constructor(options: NodeThreadsOptions) {
    const { kernel, pool } = options
    const { clock, log, random } = kernel.platform
    this.#options = options
    this.table = ThreadTable.create(pool.size)
    this.measures = new NodeMeasures(kernel, (message) => this.broadcast(message))
    this.#respawns = new RespawnWaits(pool.size, random)
    this.#guard = new PoolGuard({
      node: { node: kernel.node, life: kernel.life },
      clock,
      log,
      counters: kernel.counters,
      blockedMs: pool.blockedMs,
      threads: this.#threads,
    })
    this.#starts = new ThreadStarts({
      kernel,
      table: this.table,
      ownsNames: true,
      send: (placed, thread, own) => {
        if (own) this.#openOwn(thread, placed)
        else this.#threadFor(thread)?.channel.sendNow({ type: 'begin', actor: placed })
      },
    })
    this.#placed = new PlacedActors({
      kernel,
      load: options.load,
      answer: (starter, begun) => this.#threads.get(starter)?.channel.send(begun),
    })
  }

  get count(): number {
    return this.#threads.size
  }

  start(spawn: ThreadSpawn): { pid: Pid; started: Promise<void> } {
    return this.#starts.start(spawn)
  }

  /** Main's actors, and other nodes, speak to a thread's actors through here; so do threads, to have one killed. */
  route(signal: Signal): void {
    const { kernel } = this.#options
    const thread = this.#threadFor(signal.to.thread)
    if (thread === undefined) {
      kernel.bounce(signal, 'noproc')
      return
    }
    if (signal.type === 'exit' && signal.reason === 'kill' && !signal.viaLink) {
      // The kill must work on a thread that reads nothing.
      if (thread.isRoot(signal.to)) {
        thread.end('killed')
        return
      }
      this.#guard.expectEnd(signal.to)
    }
    if (!thread.channel.isFullFor(signal)) {
      thread.letters.posted(signal)
      thread.channel.sendSignal(signal)
    } else if (signal.type === 'call') kernel.route(refusalByThread(signal))
    else kernel.counters.mailboxDrops += 1
    if (endsOrphan(signal, thread.parent)) this.#expectRead(thread)
  }

  /** Tells all threads: a name changed hands, a node was lost. One that is not up yet learns of the names as it starts. */
  broadcast(message: ToThread): void {
    for (const thread of this.#threads.values()) if (thread.isUp) thread.channel.send(message)
  }

  /** Kills all that is left. Resolves by itself as their ends arrive; the caller need not wait. */
  stop(): void {
    this.#stopped = true
    this.#guard.stop()
    this.measures.stop()
    for (const thread of this.#threads.values()) thread.end('killed')
    this.#options.kernel.platform.threads.stop?.()
  }

  /** An actor that another thread places on this one may be known to a third before it has come: then reads of it first. */
  awaitPlaced(pid: Pid): void {
    if (pid.thread === 0 && pid.serial >= 2 ** 52 && !this.#placed.hasCome(pid.serial)) this.#drain()
  }

  /** What each thread holds, main first. One that does not answer within a second is told without. */
  async inspect(): Promise<ThreadInfo[]> {
    const { kernel } = this.#options
    const others = [...this.#threads.values()].filter((thread) => thread.isUp)
    const main: ThreadInfo = { thread: 0, kind: 'main', stats: kernel.stats }
    const infos = others.map(async (thread): Promise<ThreadInfo> => {
      const stats = await thread.inspect(kernel.nextRef())
      return { thread: thread.number, kind: thread.isPooled ? 'pool' : 'own', stats }
    })
    return [main, ...(await Promise.all(infos))]
  }

  // --- threads ---

  /** The thread of that number: known, of the pool and started now, or asked for in what is still to be read. */
  #threadFor(number: number): HostedThread | undefined {
    const known = this.#threads.get(number) ?? this.#openPooled(number)
    if (known !== undefined || this.#arrivals.has(number) || number > this.table.lastThread) return known
    this.#drain()
    return this.#threads.get(number)
  }

  #drain(): void {
    for (const thread of [...this.#threads.values()]) thread.drain()
  }

  #openOwn(number: number, placed: PlacedActor): void {
    this.#arrivals.add(number)
    const own = [...this.#threads.values()].filter((thread) => !thread.isPooled).length
    if (own >= ownThreadsMax) {
      const message = `The node already runs ${ownThreadsMax} threads of their own`
      throw new ActorError('ERR_TOO_MANY_THREADS', message)
    }
    const thread = this.#newThread(number, undefined, placed)
    this.#boot(thread)
    this.#threads.set(number, thread)
  }

  #openPooled(number: number): HostedThread | undefined {
    const index = number === 0 || this.#stopped ? undefined : this.table.slotOf(number)
    if (index === undefined) return undefined
    this.#arrivals.add(number)
    const { clock } = this.#options.kernel.platform
    const thread = this.#newThread(number, index, undefined)
    this.#threads.set(number, thread)
    thread.startIn(this.#respawns.waitMs(index, clock.monotonic()), () => this.#boot(thread))
    this.#guard.watch()
    return thread
  }

  #newThread(number: number, slot: number | undefined, root: PlacedActor | undefined): HostedThread {
    const { kernel, pool } = this.#options
    return new HostedThread({
      home: kernel,
      letters: kernel.letters,
      number,
      slot,
      root,
      turns: kernel.platform.turns,
      blockedMs: pool.blockedMs,
      clock: kernel.platform.clock,
    })
  }

  /** Throws when the root's arguments can't be cloned. */
  #boot(thread: HostedThread): void {
    const { kernel, regionTable, inputs, pool } = this.#options
    const { number, slot, root, blockWords } = thread
    const boot: ThreadBoot = {
      node: kernel.node,
      life: kernel.life,
      thread: number,
      names: kernel.names.entries().map(([name, pid]) => {
        return { type: 'name', name, pid, partitions: kernel.names.partitions(name) }
      }),
      nodes: kernel.nodes.nodes,
      regionTable,
      threadTable: this.table.buffer,
      begunMarks: kernel.begunMarks?.buffer,
      inputs,
      bodyBytesMax: kernel.bodyBytesMax,
      environment: kernel.platform.environment,
      pool: slot === undefined ? undefined : { slot, blockWords, beatMs: checkMsOf(pool.blockedMs) / 2 },
      root,
      measures: this.measures.orders,
    }
    const act = (message: FromThread): void => this.#act(thread, message)
    thread.begin(
      kernel.platform.threads.start(boot, {
        message: (batch) => thread.read(batch as Batch<FromThread>, act),
        ended: (end) => this.#lost(thread, end),
      }),
    )
  }

  #act(thread: HostedThread, message: FromThread): void {
    const { kernel } = this.#options
    switch (message.type) {
      case 'signal':
        this.#options.onSignal(message.signal)
        return
      case 'begun':
        this.#begun(thread, message)
        return
      case 'begin':
        this.#placed.begin(message.actor)
        return
      case 'start':
        this.#startFor(thread, message.thread, message.actor)
        return
      case 'connect':
        this.#introduce(thread, message.thread, message.other)
        return
      case 'sentOut':
        kernel.sendOut(message.pid)
        return
      case 'killing':
        this.#guard.expectEnd(message.pid)
        return
      case 'orphaned': {
        const orphan = this.#threads.get(message.pid.thread)
        if (orphan !== undefined) this.#expectRead(orphan)
        return
      }
      case 'echo':
        thread.hasRead()
        return
      case 'lettersGone':
        thread.letters.gone(message.node, message.bytes)
        return
      case 'stats':
        thread.inspected(message.ref, message.stats)
        return
      case 'measured':
        this.measures.measured(thread.number, message.ref, message.series)
        return
      case 'ended':
        kernel.names.free(message.pid)
        if (thread.isRoot(message.pid)) thread.rootEnded(message.reason)
        return
      case 'farewell':
        // Behind all that is in this batch.
        kernel.platform.turns.enqueue({ runTurn: () => thread.terminate() })
        return
      case 'register':
        thread.channel.send({ type: 'registered', ref: message.ref, error: this.#register(message) })
        return
      case 'log':
        kernel.platform.log[message.level]({ thread: thread.number, ...message.fields }, message.message)
    }
  }

  /** The one who holds a name may have ended on another thread, and told everybody but us to whom it reads first. */
  #register({ name, pid, partitions }: NameRequest): ErrorData | undefined {
    const { names } = this.#options.kernel
    const holder = names.whereis(name)
    if (holder !== undefined && !samePid(holder, pid)) this.#threads.get(holder.thread)?.drain()
    try {
      names.register(name, pid, partitions)
      return undefined
    } catch (thrown) {
      return errorData(thrown)
    }
  }

  // --- starts that other threads ask for ---

  #startFor(starter: HostedThread, number: number, placed: PlacedActor): void {
    const { kernel } = this.#options
    const pid: Pid = { node: kernel.node, life: kernel.life, thread: number, serial: placed.serial }
    try {
      if (placed.name !== undefined) kernel.names.register(placed.name, pid)
      this.#openOwn(number, { ...placed, register: false })
    } catch (thrown) {
      this.#arrivals.add(number)
      kernel.names.free(pid)
      const error = errorData(thrown)
      const failure = { error, reason: error, ran: false, stillborn: true }
      starter.channel.send({ type: 'begun', thread: number, serial: placed.serial, failure })
    }
  }

  #begun(thread: HostedThread, begun: Begun): void {
    const { failure, serial } = begun
    if (failure === undefined || (serial === rootSerial && !thread.isPooled)) thread.begun(failure?.reason)
    const starter = thread.root?.starter ?? 0
    if (starter === 0) this.#starts.begun(begun)
    else this.#threads.get(starter)?.channel.send(begun)
  }

  /** Carries the other end of a direct way. To a thread that is gone: answers what was said on it, and says so. */
  #introduce(from: HostedThread, to: number, other: unknown): void {
    const thread = this.#threadFor(to)
    if (thread !== undefined) {
      thread.channel.sendNow({ type: 'connect', thread: from.number, other }, [other])
      return
    }
    closeWay(this.#options.kernel, other)
    from.channel.send({ type: 'threadDown', thread: to, serial: 0, reason: 'noproc', others: 'noproc' })
  }

  // --- ends ---

  #expectRead(thread: HostedThread): void {
    thread.expectRead(() => {
      const fields = { thread: thread.number, label: thread.label, graceMs: orphanGraceMs }
      this.#options.kernel.platform.log.warn(fields, 'a thread that did not read of the end of its parent is killed')
      thread.end('killed')
    })
  }

  #lost(thread: HostedThread, end: ThreadEnd): void {
    const { kernel } = this.#options
    const { number, slot } = thread
    if (!this.#threads.delete(number)) return
    thread.close()
    this.measures.threadEnded(number)
    const down = this.#downOf(thread, end)
    if (slot !== undefined) this.#clearSlot(thread, slot)
    const lost: LostPeer = { node: kernel.node, life: kernel.life, thread: number }
    const reasonOf = (pid: Pid): ExitReason => (pid.serial === down.serial ? down.reason : down.others)
    kernel.names.freeLost(lost)
    this.#starts.threadDown(number, reasonOf)
    kernel.peerLost(lost, reasonOf)
    this.broadcast(down)
    this.#options.onLost(lost)
  }

  #downOf(thread: HostedThread, end: ThreadEnd): ThreadDown {
    const thrown = end.error === undefined ? undefined : errorData(end.error)
    const down = lossOf(thread, thrown)
    if (thread.blamed !== undefined) return down
    sometimes(thread.ended === undefined, 'skerry/a thread was lost without a word')
    if (thread.ended === undefined) {
      const fields = { thread: thread.number, label: thread.label, exitCode: end.exitCode }
      const { log } = this.#options.kernel.platform
      log.error({ ...fields, reason: thrown ?? down.reason }, 'a thread was lost')
    }
    return down
  }

  /** The next one who needs the slot has its thread started. */
  #clearSlot(thread: HostedThread, index: number): void {
    const now = this.#options.kernel.platform.clock.monotonic()
    this.#respawns.lost(index, thread.livedMs(now), now)
    this.table.clear(index)
  }
}
