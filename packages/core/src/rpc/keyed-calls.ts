import { isLost, type LostPeer } from '../actor/edges.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { NodeDownMessage, NodeUpMessage } from '../actor/mailbox.ts'
import type { NodeWatcher } from '../actor/node-watchers.ts'
import { formatPid, type Pid } from '../actor/pid.ts'
import type { CancelSignal, Failure, ReplyResult, SpawnSignal } from '../actor/signal.ts'
import { reachable, sometimes } from '../platform/property.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import { notAllowed, tooLate } from './ask-allow.ts'
import { exitFailure } from './exit-failure.ts'
import { type IdempotencyLimits, IdempotencyWindow } from './idempotency-window.ts'
import { heldBytesOf } from './inbound-call.ts'
import type { InboundCalls } from './inbound-calls.ts'
import { type HeldCall, KeyedRun } from './keyed-run.ts'

export interface KeyedCallsOptions {
  readonly kernel: Kernel
  readonly limits: IdempotencyLimits
  /**
   * Takes a request like any other, for a stand-in call of this node, or gives the reason why not. Its time counts from its arrival;
   * `isAllowed`: `allow` has said so already.
   */
  readonly take: (signal: SpawnSignal, arrivedMs: number, isAllowed: boolean) => Failure | undefined
  /** Ends the work of a stand-in call. `false`: it had not begun. */
  readonly end: (call: Pid, reason: ExitReason) => boolean
  /** Where calls are counted by their node. */
  readonly inbound: Pick<InboundCalls, 'takesOneMoreOf' | 'tooManyOf' | 'holds' | 'letsGo' | 'tooMuchOf' | 'joined'>
  /** Whether its caller may be told what came of work that it did not begin. `undefined`: nothing was said in time. */
  readonly mayJoin: (signal: SpawnSignal) => boolean | Promise<boolean | undefined>
}

/**
 * The calls with an idempotency key that came to this node. Each key's work is done for a stand-in call of the node itself,
 * to which the remote process is linked and answers, and which tells everybody who waits: so a second try joins the
 * first, whoever gives up.
 *
 * - A key belongs to the node that uses it, and to a procedure and version: no node can read, or block, what another did.
 * - While the work runs, a further call with its key waits for the same result. The work keeps the deadline that it began with.
 * - When nobody waits any more, because all have given up, the work is ended like any other. A call that comes before it is over
 *   waits for that and begins anew, or is given the result, if the work was done after all. A caller whose *connection* was
 *   lost has not given up: the work goes on, to its deadline, and its result is there for the next try. Only when a new
 *   life of that node shows up is it clear that nobody will ask.
 * - A result is given to every later call with its key. A failure of work that began is given to those that waited, to a
 *   further try of one of these calls (which can't have got it), and, if nobody heard it, to the next that asks. A new
 *   call after that begins anew: whoever makes it was told `ran` or `unknown`, and decided to.
 * - Work that was refused as not run leaves no trace.
 * - Every call that waits counts as one of its node (`perPeerMax`), the work itself as none. `allow` is asked for each: before
 *   the work for the one that begins it, before it is told anything for each that joins or is answered from the window.
 */
export class KeyedCalls implements NodeWatcher {
  readonly #options: KeyedCallsOptions
  readonly #window: IdempotencyWindow<KeyedRun>
  /** By the address of each call that waits. */
  readonly #waiting = new Map<string, KeyedRun>()
  /** By the address of each call that neither waits for a result nor was refused yet. */
  readonly #held = new Map<string, HeldCall>()
  /** Those whose caller's connection was lost. */
  readonly #orphans = new Set<KeyedRun>()

  constructor(options: KeyedCallsOptions) {
    this.#options = options
    this.#window = new IdempotencyWindow(options.limits)
  }

  spawn(signal: SpawnSignal): void {
    const { kernel, inbound, mayJoin } = this.#options
    const { from } = signal
    const arrivedMs = kernel.platform.clock.monotonic()
    const entry = this.#window.find(keyOf(signal), arrivedMs)
    if (entry?.state !== 'done' && !inbound.takesOneMoreOf(from)) {
      kernel.counters.overloads += 1
      // Never as not run where the work of its key runs: it would be sent to another node, and done there too.
      const failure = inbound.tooManyOf(from.node)
      this.#refuse(from, entry === undefined ? failure : { ...failure, outcome: 'unknown' })
      return
    }
    if (entry === undefined) {
      this.#begin(keyOf(signal), signal, arrivedMs, false)
      return
    }
    const answer = mayJoin(signal)
    if (typeof answer === 'boolean') this.#joinIfAllowed(signal, arrivedMs, answer)
    else this.#joinWhenAllowed(signal, arrivedMs, answer)
  }

  #joinWhenAllowed(signal: SpawnSignal, arrivedMs: number, answer: Promise<boolean | undefined>): void {
    const held = this.#hold(signal, arrivedMs, undefined)
    if (held === undefined) return
    void answer.then((isAllowed) => {
      // Else its caller has given up, or was lost.
      if (this.#letGo(held)) this.#joinIfAllowed(signal, arrivedMs, isAllowed)
    })
  }

  #joinIfAllowed(signal: SpawnSignal, arrivedMs: number, isAllowed: boolean | undefined): void {
    const { from } = signal
    if (isAllowed === true) this.#joinOrBegin(signal, arrivedMs)
    // Not as not run: that of its key may be.
    else if (isAllowed === undefined) this.#refuse(from, { ...tooLate, outcome: 'unknown' })
    else {
      this.#options.kernel.counters.notAllowed += 1
      this.#refuse(from, notAllowed(from.node))
    }
  }

  #joinOrBegin(signal: SpawnSignal, arrivedMs: number): void {
    const { kernel } = this.#options
    const key = keyOf(signal)
    const call = formatPid(signal.from)
    const entry = this.#window.find(key, kernel.platform.clock.monotonic())
    if (entry?.state === 'running') {
      if (entry.run.ended) {
        reachable('skerry/a call came while the given-up work of its key was ending')
        this.#hold(signal, arrivedMs, entry.run)
        return
      }
      sometimes(true, 'skerry/a call joined the work of its key')
      this.#join(entry.run, signal.from)
      return
    }
    if (entry !== undefined) {
      const { result, calls, heard } = entry
      const failed = result?.ok === false
      if (!failed || !heard || calls.has(call)) {
        reachable('skerry/a call was answered from the window')
        kernel.counters.replays += 1
        if (failed) calls.add(call)
        entry.heard = true
        this.#answer(signal.from, result ?? gone)
        return
      }
      this.#window.forget(key)
    }
    this.#begin(key, signal, arrivedMs, true)
  }

  /** It counts as one of its node meanwhile, and keeps its input, as it may have to begin the work. `undefined`: it was refused. */
  #hold(signal: SpawnSignal, arrivedMs: number, behind: KeyedRun | undefined): HeldCall | undefined {
    const { inbound, kernel } = this.#options
    const { from } = signal
    const call = formatPid(from)
    // One that comes twice, which only a peer that is wrong sends, takes the place of the first.
    const before = this.#held.get(call)
    if (before !== undefined) this.#letGo(before)
    const heldBytes = heldBytesOf(signal)
    if (!inbound.holds(from.node, heldBytes)) {
      kernel.counters.overloads += 1
      this.#refuse(from, { ...inbound.tooMuchOf(from.node), outcome: 'unknown' })
      return undefined
    }
    const held = { signal, arrivedMs, heldBytes, behind }
    this.#held.set(call, held)
    behind?.next.add(held)
    inbound.joined(from, true)
    return held
  }

  /** `false`: it was let go before. */
  #letGo(held: HeldCall): boolean {
    const { from } = held.signal
    const call = formatPid(from)
    if (this.#held.get(call) !== held) return false
    this.#held.delete(call)
    held.behind?.next.delete(held)
    this.#options.inbound.letsGo(from.node, held.heldBytes)
    this.#options.inbound.joined(from, false)
    return true
  }

  /** The call is over for its caller. `false`: it is none of ours. */
  cancel({ from, reason }: CancelSignal): boolean {
    const held = this.#held.get(formatPid(from))
    return held === undefined ? this.#leave(from, reason) : this.#letGo(held)
  }

  peerLost(lost: LostPeer): void {
    for (const held of [...this.#held.values()]) if (isLost(held.signal.from, lost)) this.#letGo(held)
    for (const run of new Set(this.#waiting.values())) {
      for (const call of run.waiting.values()) {
        if (!isLost(call, lost)) continue
        if (lost.thread === undefined) this.#orphan(run, call)
        else this.#leave(call, 'threadlost')
      }
    }
  }

  notify(message: NodeUpMessage | NodeDownMessage): void {
    if (message.type !== 'nodeUp') return
    for (const run of [...this.#orphans]) {
      for (const [id, call] of run.lost) {
        if (call.node === message.node && call.life !== message.life) run.lost.delete(id)
      }
      if (run.lost.size > 0) continue
      this.#noOrphan(run)
      if (run.waiting.size === 0) this.#give(run, 'noconnection')
    }
  }

  #begin(key: string, signal: SpawnSignal, arrivedMs: number, isAllowed: boolean): void {
    const { kernel, take } = this.#options
    const { counters } = kernel
    const run = new KeyedRun(key, kernel.allocatePid(), counters, (result, served) =>
      this.#finished(run, result, served),
    )
    if (!this.#window.begin(key, run)) {
      kernel.counters.overloads += 1
      this.#refuse(signal.from, full)
      return
    }
    kernel.add(run)
    this.#join(run, signal.from)
    const failure = take({ ...signal, from: run.pid, caller: signal.from }, arrivedMs, isAllowed)
    if (failure !== undefined) run.settle({ ok: false, failure })
  }

  #join(run: KeyedRun, call: Pid): void {
    const id = formatPid(call)
    run.calls.add(id)
    if (!run.waiting.has(id)) this.#options.inbound.joined(call, true)
    run.waiting.set(id, call)
    this.#waiting.set(id, run)
    if (run.lost.delete(id) && run.lost.size === 0) this.#noOrphan(run)
  }

  #finished(run: KeyedRun, result: ReplyResult, served: ServedTimes | undefined): void {
    const { kernel } = this.#options
    kernel.forget(run.pid)
    this.#noOrphan(run)
    // Nothing was done, or half of it, and everybody who wanted it has given up: nobody has to be protected from a second time.
    if (!result.ok && (run.ended || result.failure.outcome === 'not-run')) this.#window.forget(run.key)
    else {
      const done = { result: keepable(result), calls: run.calls, heard: run.waiting.size > 0 }
      this.#window.finish(run.key, done, kernel.platform.clock.monotonic())
    }
    for (const [id, call] of run.waiting) {
      this.#waiting.delete(id)
      this.#options.inbound.joined(call, false)
      this.#answer(call, result, served)
    }
    run.waiting.clear()
    for (const held of [...run.next]) if (this.#letGo(held)) this.#joinOrBegin(held.signal, held.arrivedMs)
  }

  #leave(call: Pid, reason: ExitReason): boolean {
    const id = formatPid(call)
    const run = this.#waiting.get(id)
    if (run === undefined) return false
    this.#waiting.delete(id)
    run.waiting.delete(id)
    this.#options.inbound.joined(call, false)
    run.calls.delete(id)
    sometimes(run.waiting.size > 0, 'skerry/one of several calls with a key gave up')
    if (run.waiting.size === 0 && run.lost.size === 0) this.#give(run, reason)
    return true
  }

  /** Ends the work: nobody wants it. It is over when its process is. */
  #give(run: KeyedRun, reason: ExitReason): void {
    run.ended = true
    // Refused or waiting, it has no process that could say so.
    if (!this.#options.end(run.pid, reason)) run.settle({ ok: false, failure: exitFailure(reason) })
  }

  #orphan(run: KeyedRun, call: Pid): void {
    reachable('skerry/work with a key lost the connection to its caller')
    const id = formatPid(call)
    this.#waiting.delete(id)
    run.waiting.delete(id)
    this.#options.inbound.joined(call, false)
    run.lost.set(id, call)
    if (this.#orphans.size === 0) this.#options.kernel.nodes.add(this)
    this.#orphans.add(run)
  }

  #noOrphan(run: KeyedRun): void {
    if (this.#orphans.delete(run) && this.#orphans.size === 0) this.#options.kernel.nodes.remove(this)
  }

  #refuse(call: Pid, failure: Failure): void {
    this.#answer(call, { ok: false, failure })
  }

  #answer(call: Pid, result: ReplyResult, served?: ServedTimes): void {
    const times = served === undefined ? {} : { served }
    this.#options.kernel.route({ type: 'reply', to: call, ref: 0, result: keepable(result), ...times })
  }
}

const gone: ReplyResult = {
  ok: false,
  failure: {
    code: 'ERR_RESULT_GONE',
    outcome: 'ran',
    message: 'It was done under this idempotency key, and its result is no longer kept',
  },
}
const full: Failure = {
  code: 'ERR_OVERLOADED',
  outcome: 'not-run',
  message: 'The node has as many calls with an idempotency key as it takes',
}

/** Whose key it is, and for what: JSON keeps the parts apart. */
function keyOf({ from, request }: SpawnSignal): string {
  const { procedure, version, idempotencyKey } = request
  return JSON.stringify([from.node, procedure, version, idempotencyKey])
}

/** A result whose bytes are its own: what is sent may be a view of a larger buffer, or be given away. */
function keepable(result: ReplyResult): ReplyResult {
  return result.ok && result.value instanceof Uint8Array ? { ...result, value: result.value.slice() } : result
}
