import type { Actor } from '../actor/actor.ts'
import { ReceivingContext } from '../actor/bare-actor.ts'
import type { Runtime } from '../actor/behavior.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { Body, Failure, ReplyResult } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import { bodyOf, encodeBody } from './body.ts'
import { type Caller, callerOf } from './caller.ts'
import { isToken, tokenCharsMax } from './causal-token.ts'
import { uncountedCostMax } from './load-limits.ts'
import { ReplicaError } from './replica-errors.ts'
import { ServeEvents } from './serve-events.ts'

/** What a procedure is handed: an actor's context, and what it may know of its call. `ctx.signal` aborts when the caller is gone. */
export class ProcedureContext extends ReceivingContext {
  readonly #runtime: Runtime
  readonly #light: Light | undefined
  #work: RemoteWork | undefined = undefined
  // Made when first asked for.
  #caller: Caller | undefined = undefined
  #primaryEpoch = 0
  #token: string | undefined = undefined

  /** `light`: what it is the context of, if that is no actor. */
  constructor(runtime: Runtime, actor: Actor | undefined, light?: Light) {
    super(runtime, actor)
    this.#runtime = runtime
    this.#light = light
  }

  protected override becomeActor(): Actor {
    return this.#light === undefined ? super.becomeActor() : this.#light.becomeActor()
  }

  /** Who asked. */
  get caller(): Caller {
    if (this.#work === undefined) return notKnownYet
    return (this.#caller ??= callerOf(this.#work))
  }

  /** The caller's idempotency key: store it with the write that it guards, in one transaction. */
  get idempotencyKey(): string | undefined {
    return this.#work?.request.idempotencyKey
  }

  /**
   * The epoch of the primary region when this process began: what a write carries to the database, which refuses it when it
   * knows a higher one. It stays as it was, also when the primary changes meanwhile.
   */
  override get primaryEpoch(): number {
    return this.#primaryEpoch
  }

  /** Milliseconds until the caller gives up and this process is stopped. */
  get timeLeftMs(): number {
    return this.deadlineMs === undefined ? Infinity : Math.max(0, this.deadlineMs - this.clock.monotonic())
  }

  /**
   * What the database calls the state after this procedure's write (a log sequence number, a version), as text of 1 to 256
   * characters. It goes to the caller beside the result; a caller of `rpcAndWait` waits until its own replica has passed it. The
   * last one counts. Throws `ERR_BAD_TOKEN`.
   */
  commit(token: string): void {
    if (!isToken(token))
      throw new ReplicaError('ERR_BAD_TOKEN', `A token is a text of 1 to ${tokenCharsMax} characters`)
    this.#token = token
  }

  /** The last token that was committed; `undefined` for none. */
  get committed(): string | undefined {
    return this.#token
  }

  override answerAndEnd(call: Pid, result: ReplyResult, served?: ServedTimes): void {
    const token = this.#token
    const whole = result.ok && token !== undefined ? { ...result, token } : result
    if (this.#light?.answer(whole, served) !== true) super.answerAndEnd(call, whole, served)
  }

  /**
   * Runs `act` in a turn of this process, soon, so that a watch knows whose code it is if it never comes to an end. Settles as
   * `act` does; never, if the process ends before.
   */
  inTurn<T>(act: () => T | Promise<T>): Promise<T> {
    const actor = this.ownActor
    const { pid, label } = actor
    return new Promise((resolve) => {
      // What it throws is the promise's.
      const run = async (): Promise<T> => act()
      const runTurn = (): void => {
        if (actor.alive) resolve(run())
      }
      this.#runtime.platform.turns.enqueue({ pid, label, runTurn })
    })
  }

  /** Nobody is told that it could not be begun: it is counted and logged. */
  castNotRun(failure: Failure): void {
    this.#runtime.counters.castsNotRun += 1
    const { code, message } = failure
    this.#runtime.limitedLog.warn({ peer: this.caller.node, code, message }, 'a cast was not run')
  }

  /**
   * Notes the primary as it is now, right before the procedure runs. Before anybody asks whether this node is in its region: should the
   * primary change in between, the epoch is too low, which a fence refuses.
   */
  notePrimary(): void {
    this.#primaryEpoch = this.#runtime.remote?.primaryEpoch ?? super.primaryEpoch
  }

  /**
   * Its code runs from here on: its end is that of the call, to which it is linked, and nobody says any more that nothing ran. `false`:
   * main has said so just now, and it must not.
   */
  begins(): boolean {
    const work = this.#work
    if (work === undefined || work.hasBegun === true) return true
    if (work.mark !== undefined && this.#runtime.begunMarks?.begin(work.mark) === false) return false
    work.hasBegun = true
    if (work.request.isCast === true) return true
    if (this.#light === undefined) this.ownActor.relations.addLink(work.call)
    else this.#light.begins()
    return true
  }

  /** Whether its caller's input, which was decoded just now, can be held as what it became, until this process is over. */
  holdsDecoded(): boolean {
    const bytes = this.codec.decodedCost ?? 0
    const work = this.#work
    if (bytes <= uncountedCostMax || work === undefined || work.caller === this.node) return true
    const isHeld = work.holdsMore?.(bytes) ?? this.#holdsHere(work.caller, bytes)
    if (!isHeld) this.#runtime.counters.overloads += 1
    return isHeld
  }

  #holdsHere(caller: NodeId, bytes: number): boolean {
    const { inputs } = this.#runtime
    if (inputs === undefined) return true
    if (!inputs.take(caller, bytes)) return false
    this.ownActor.attach({ ownerExited: () => inputs.giveBack(caller, bytes) })
    return true
  }

  /** Tells of this process, whoever wants to know. Called once, before the procedure runs. */
  serve(work: RemoteWork): ServeEvents | undefined {
    if (!ServeEvents.areWanted(work)) return undefined
    const { self, clock } = this
    const events = new ServeEvents({ self, clock, actor: this.ownActor }, work)
    this.trace = events.trace
    return events
  }

  /** A result as it travels. Throws as `bodyOf` does. */
  bodyOf(value: unknown, name: string): Body {
    return bodyOf(this.#runtime, value, name)
  }

  /** An item as it travels. Throws as `encodeBody` does. */
  encodeBody(value: unknown, name: string): Uint8Array {
    return encodeBody(this.#runtime, value, name)
  }

  /** Fills in what the request says. Called once, before the procedure runs. */
  begin(work: RemoteWork): void {
    this.#work = work
    this.deadlineMs = (work.sentOver === undefined ? work.arrivedMs : this.clock.monotonic()) + work.request.timeLeftMs
  }
}

/** A process that becomes an actor when it takes one. */
interface Light {
  becomeActor(): Actor
  begins(): void
  /** Answers its caller and ends. `false`: it is an actor, which does that itself. */
  answer(result: ReplyResult, served: ServedTimes | undefined): boolean
}

const notKnownYet: Caller = { node: '', region: '', roles: [] }
