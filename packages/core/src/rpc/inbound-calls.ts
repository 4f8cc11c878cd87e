import type { LostPeer } from '../actor/edges.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { Failure, SpawnRequest } from '../actor/signal.ts'
import { HeldBytes } from '../base/held-bytes.ts'
import { wasRead } from '../base/received-bytes.ts'
import { RingQueue } from '../base/ring-queue.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { CallTable } from './call-table.ts'
import type { InboundCall, ProcedureLoad, StartedProcess } from './inbound-call.ts'
import { type LoadLimits, lookOverMs, startingMax } from './load-limits.ts'

/** What the calls that arrived are told. */
export interface InboundListener {
  /** Its turn has come. */
  begins(call: InboundCall): void
  /** It left the queue without having been begun. */
  refused(call: InboundCall, failure: Failure): void
}

/** Starts the processes that run calls. */
export interface ProcessStarter {
  /** Starts the process of a call that has been let in; one that can't be started is told to it as not run. */
  start(call: InboundCall): void
}

/**
 * The calls that this node works on, by the address of the call, and the queues in front of the work. It outlives the
 * RpcServer actor, as a cancellation must find its process also after a crash there. A cancellation is noted here the
 * moment its frame is read, before any request of the same buffer is begun.
 *
 * A call begins when its procedure and the node have room, the procedures with waiting calls one after the other, so that
 * a flood of one does not stop the others.
 */
export class InboundCalls {
  on: InboundListener = { begins() {}, refused() {} }
  /** RpcProcesses, while it is up. */
  processes: ProcessStarter | undefined
  readonly #clock: Clock
  readonly #limits: LoadLimits
  readonly #calls = new CallTable<InboundCall>()
  /** The procedures that have calls waiting and room for one. */
  readonly #line = new RingQueue<ProcedureLoad>()
  /** The procedures with waiting calls. */
  readonly #crowded = new Set<ProcedureLoad>()
  /** The calls with a key that wait, by their node. */
  readonly #joined = new Map<NodeId, number>()
  readonly #held: HeldBytes
  #inFlight = 0
  #starting = 0
  #waiting = 0
  #isBeginning = false
  #lookOver: Timer | undefined
  #onEmpty: (() => void) | undefined

  constructor(limits: LoadLimits, clock: Clock) {
    this.#limits = limits
    this.#held = new HeldBytes(limits)
    this.#clock = clock
  }

  get size(): number {
    return this.#calls.size
  }

  /** Whether it works on a call of that peer. */
  hasAny(peer: { readonly node: string; readonly life: number }): boolean {
    return this.#calls.countOf(peer) > 0
  }

  get waiting(): number {
    return this.#waiting
  }

  /**
   * Takes a call, which begins now or later, or gives the reason why not. `'known'`: it came before, which only a peer
   * that is wrong or hostile does.
   */
  arrive(call: InboundCall): Failure | 'known' | undefined {
    if (this.#calls.get(call.call) !== undefined) return 'known'
    if (!call.isStandIn && !this.takesOneMoreOf(call.call)) return this.tooManyOf(call.call.node)
    if (!this.holds(call.caller, call.heldBytes)) return this.tooMuchOf(call.caller)
    const refusal = this.#takeIn(call)
    if (refusal !== undefined) this.letsGo(call.caller, call.heldBytes)
    return refusal
  }

  #takeIn(call: InboundCall): Failure | undefined {
    const { load } = call.served
    if (this.#hasRoom(load) && load.waiting.length === 0) {
      this.#calls.add(call)
      this.#begin(call)
      return undefined
    }
    if (this.#waiting >= this.#limits.waitingMax) return overloaded('The node has as many calls waiting as it takes')
    if (load.waiting.length >= load.limits.maxWaiting) {
      const oldest = load.waiting.isStanding(this.#clock.monotonic()) ? load.waiting.takeOldest() : undefined
      if (oldest === undefined) return overloaded('The procedure has as many calls waiting as it takes')
      this.#giveBack(oldest, 'Newer calls went first')
    }
    this.#calls.add(call)
    this.#wait(call)
    return undefined
  }

  /** Whether the node of that call may have one more here. */
  takesOneMoreOf(call: Pid): boolean {
    const joined = this.#joined.size === 0 ? 0 : (this.#joined.get(call.node) ?? 0)
    return this.#calls.countOf(call) + joined < this.#limits.perPeerMax
  }

  tooManyOf(node: NodeId): Failure {
    return overloaded(`The node has ${this.#limits.perPeerMax} calls of ${node}, as many as it takes`)
  }

  /** Whether an input of that node can be held, which it is from here on until `lets`. */
  holds(node: NodeId, bytes: number): boolean {
    return bytes === 0 || this.#held.take(node, bytes)
  }

  /** The same for what comes to that of a call, until it is over. */
  holdsMore(call: InboundCall, bytes: number): boolean {
    // It was given up, and has let go already.
    if (!call.isWanted) return true
    if (!this.#held.takeMore(call.caller, bytes, call.heldBytes)) return false
    call.heldBytes += bytes
    return true
  }

  letsGo(node: NodeId, bytes: number): void {
    if (bytes > 0) this.#held.giveBack(node, bytes)
  }

  tooMuchOf(node: NodeId): Failure {
    return overloaded(`The inputs of calls of ${node}, or of all nodes, have as many bytes as the node holds`)
  }

  /** A call waits for the work of a stand-in, or does no more: it counts as one of its node, which the stand-in does not. */
  joined(call: Pid, isThere: boolean): void {
    const count = (this.#joined.get(call.node) ?? 0) + (isThere ? 1 : -1)
    if (count === 0) this.#joined.delete(call.node)
    else this.#joined.set(call.node, count)
  }

  /** Whether the caller of that address still waits. */
  isWanted(call: Pid): boolean {
    return this.#calls.get(call) !== undefined
  }

  running(inbound: InboundCall, process: StartedProcess): void {
    if (!inbound.isWanted) return
    inbound.process = process
    this.takesTime(inbound)
  }

  /** Before its process is started it waits for something else than this thread: others may be let in meanwhile. */
  takesTime(inbound: InboundCall): void {
    if (inbound.state !== 'starting') return
    inbound.state = 'running'
    this.#starting -= 1
    this.#beginNext(inbound.seenMs)
  }

  /**
   * Lets others in behind `act`, and not with each place that becomes free meanwhile: they go to RpcServer as one message, behind the
   * processes that were started, instead of between the first and the second of them.
   */
  gather(act: () => void, nowMs: number): void {
    this.#isBeginning = true
    try {
      act()
    } finally {
      this.#isBeginning = false
      this.#beginNext(nowMs)
    }
  }

  /** It is over, whatever came of it; gives back its process, if it has begun. */
  end(call: Pid): StartedProcess | undefined {
    const inbound = this.#calls.take(call)
    if (inbound === undefined) return undefined
    this.#leave(inbound)
    return inbound.process
  }

  /** Gives back every call that waits for its turn. */
  giveBackWaiting(failure: Failure): void {
    for (const load of [...this.#crowded]) {
      for (let call = load.waiting.takeOldest(); call !== undefined; call = load.waiting.takeOldest()) {
        this.#refuse(call, failure)
      }
    }
  }

  /** Resolves when no call is left, or after `atMostMs`. */
  whenEmpty(clock: Clock, atMostMs: number): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = clock.after(atMostMs, resolve)
      this.#onEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  /** All remote processes are gone: forgets their calls. Those that wait for their turn stay. */
  endRunning(): void {
    for (const { call, process } of this.#calls.values()) if (process !== undefined) this.end(call)
  }

  /** Ends all calls of a lost node or thread, but no casts; gives back the processes that still run for them. */
  endLost(lost: LostPeer): StartedProcess[] {
    const processes: StartedProcess[] = []
    const ended = this.#calls.lost(lost, ({ request }) => request.isCast === true)
    const isWaiting = ({ state }: InboundCall): boolean => state === 'waiting'
    // Those that wait first: the place of one is another's, which must not be one of them.
    for (const inbound of [...ended.filter(isWaiting), ...ended.filter((one) => !isWaiting(one))]) {
      this.#leave(inbound)
      if (inbound.process !== undefined) processes.push(inbound.process)
    }
    return processes
  }

  stop(): void {
    this.#lookOver?.cancel()
  }

  #hasRoom(load: ProcedureLoad): boolean {
    return (
      load.inFlight < load.limits.maxInFlight &&
      this.#inFlight < this.#limits.inFlightMax &&
      this.#starting < startingMax
    )
  }

  #begin(call: InboundCall): void {
    call.state = 'starting'
    call.holder = this
    call.served.load.inFlight += 1
    this.#inFlight += 1
    this.#starting += 1
    this.on.begins(call)
  }

  #wait(call: InboundCall): void {
    ownInput(call.request)
    call.served.load.waiting.push(call)
    this.#waiting += 1
    if (call.served.load.waiting.length === 1) this.#crowded.add(call.served.load)
    this.#standInLine(call.served.load)
    this.#lookOver ??= this.#clock.after(lookOverMs, () => this.#lookOverWaiting())
  }

  /** Gives back what it held: a place in the queue, or room for another. */
  #leave(call: InboundCall): void {
    const { load } = call.served
    this.letsGo(call.caller, call.heldBytes)
    call.isWanted = false
    if (call.state === 'waiting') {
      load.waiting.remove(call)
      this.#leftQueue(load)
    } else {
      load.inFlight -= 1
      this.#inFlight -= 1
      if (call.state === 'starting') this.#starting -= 1
      this.#standInLine(load)
      this.#beginNext()
    }
    if (this.#calls.size === 0) this.#onEmpty?.()
  }

  #leftQueue(load: ProcedureLoad): void {
    this.#waiting -= 1
    if (load.waiting.length === 0) this.#crowded.delete(load)
  }

  #standInLine(load: ProcedureLoad): void {
    if (load.inLine || load.waiting.length === 0 || load.inFlight >= load.limits.maxInFlight) return
    load.inLine = true
    this.#line.push(load)
  }

  /** `nowMs`, where the clock has just been read. */
  #beginNext(knownMs?: number): void {
    // Whoever can't begin after all is ended from within, which asks for the next: the loop below, not one inside it.
    if (this.#isBeginning) return
    this.#isBeginning = true
    while (this.#line.length > 0 && this.#starting < startingMax && this.#inFlight < this.#limits.inFlightMax) {
      const load = this.#line.shift() as ProcedureLoad
      load.inLine = false
      if (load.inFlight >= load.limits.maxInFlight) continue
      const nowMs = knownMs ?? this.#clock.monotonic()
      const next = load.waiting.take(nowMs)
      if (next === undefined) continue
      if (next.giveUpMs <= nowMs) this.#giveBack(next, 'Its turn did not come in time')
      else {
        this.#leftQueue(load)
        this.#begin(next)
      }
      this.#standInLine(load)
    }
    this.#isBeginning = false
  }

  #lookOverWaiting(): void {
    this.#lookOver = undefined
    const nowMs = this.#clock.monotonic()
    for (const load of [...this.#crowded]) {
      for (const call of load.waiting.takeHopeless(nowMs)) this.#giveBack(call, 'Its turn did not come in time')
    }
    if (this.#waiting > 0) this.#lookOver ??= this.#clock.after(lookOverMs, () => this.#lookOverWaiting())
  }

  #giveBack(call: InboundCall, message: string): void {
    this.#refuse(call, overloaded(message))
  }

  /** Of a call that was taken out of its queue. */
  #refuse(call: InboundCall, failure: Failure): void {
    this.#calls.take(call.call)
    call.isWanted = false
    this.letsGo(call.caller, call.heldBytes)
    this.#leftQueue(call.served.load)
    this.on.refused(call, failure)
    if (this.#calls.size === 0) this.#onEmpty?.()
  }
}

/** An input that waits keeps alive no more than itself: what came with it in one block of the transport may be a hundred times as much. */
function ownInput(request: SpawnRequest): void {
  const { input, idempotencyKey } = request
  if (!(input instanceof Uint8Array) || input.byteLength === input.buffer.byteLength) return
  request.input = input.slice()
  // Of a request with a key others may have the same input.
  if (idempotencyKey === undefined) wasRead(input)
}

function overloaded(message: string): Failure {
  return { code: 'ERR_OVERLOADED', outcome: 'not-run', message }
}
