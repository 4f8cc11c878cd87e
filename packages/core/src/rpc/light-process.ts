import type { Actor, Process } from '../actor/actor.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { Envelope } from '../actor/mailbox.ts'
import type { Pid } from '../actor/pid.ts'
import type { ReplyResult } from '../actor/signal.ts'
import { giveAway } from '../base/given-bytes.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import type { Turn } from '../platform/turn-queue.ts'
import type { InboundCall } from './inbound-call.ts'
import type { RemoteProcessCode } from './remote-process.ts'
import { ProcedureContext } from './procedure-context.ts'
import { runForCall } from './remote-process.ts'
import { type ProcessKeeper, RunningWork } from './running-work.ts'

/**
 * A remote process on this thread that is no actor yet. Most procedures give their result in the turn in which they begin
 * and want nothing of an actor but its end: such a one needs no mailbox, no links and no place in the kernel's tables,
 * which together cost as much as all else that is done to run it. It has its address from the beginning, and becomes
 * an actor with that, in the state that it would be in by then, before anybody could tell the difference: when its procedure
 * asks its context for anything that takes one, or gives a promise; when it is listed; when it is told to end.
 */
export class LightProcess extends RunningWork implements Turn, Process {
  readonly #serial: number
  // Made when somebody asks: of most, nobody does.
  #pid: Pid | undefined = undefined
  readonly #kernel: Kernel
  readonly #parent: Pid
  readonly #code: RemoteProcessCode
  #actor: Actor | undefined = undefined
  /** From its turn on. */
  #ctx: ProcedureContext | undefined = undefined

  constructor(keeper: ProcessKeeper, kernel: Kernel, parent: Pid, call: InboundCall, code: RemoteProcessCode) {
    super(keeper, call, undefined)
    this.#serial = kernel.allocateSerial()
    this.#kernel = kernel
    this.#parent = parent
    this.#code = code
    kernel.lightBegan(this)
    kernel.platform.turns.enqueue(this)
  }

  get pid(): Pid {
    return (this.#pid ??= this.#kernel.pidOf(this.#serial))
  }

  get label(): string {
    return this.behavior
  }

  /** Whoever gets the address may use it. */
  override get process(): Pid {
    this.becomeActor()
    return this.pid
  }

  runTurn(): void {
    // It became an actor, whose turns are its own, before this one came.
    if (this.#actor !== undefined) return
    this.init()
    if (this.hasEnded) return
    this.becomeActor().begun()
  }

  init(): void {
    const ctx = new ProcedureContext(this.#kernel, undefined, this)
    this.#ctx = ctx
    ctx.begin(this.call)
    runForCall(ctx, this.call, this.#code)
  }

  handle(envelope: Envelope): void {
    this.#ctx?.accept(envelope)
  }

  /** Answers its caller and ends, if it is no actor. */
  answer(result: ReplyResult, served: ServedTimes | undefined): boolean {
    if (this.#actor !== undefined) return false
    const kernel = this.#kernel
    const to = this.call.call
    if (result.ok && result.encoded && !kernel.isLocal(to)) giveAway(result.value as Uint8Array)
    kernel.route(
      served === undefined ? { type: 'reply', to, ref: 0, result } : { type: 'reply', to, ref: 0, result, served },
    )
    kernel.lightEnded(this)
    this.keeper.ended(this, 'normal')
    return true
  }

  /** Its procedure runs from here on. Without an actor there is nothing to link yet. */
  begins(): void {
    this.#actor?.relations.addLink(this.call.call)
  }

  /** The actor that it is, or becomes now. Of one that has ended without ever being one it is a dead one. */
  becomeActor(): Actor {
    this.#actor ??= this.hasEnded ? this.#dead() : this.#become()
    return this.#actor
  }

  override callerLost(lost: LostPeer): void {
    // As an actor it heard that from its link.
    if (this.#actor === undefined && this.call.hasBegun) this.becomeActor().peerLost(lost, () => lostReason(lost))
    super.callerLost(lost)
  }

  #become(): Actor {
    const { behavior } = this.call.served.procedure
    const actor = this.#kernel.lightBecomes(this.pid, behavior, { parent: this.#parent, keeper: this })
    this.#actor = actor
    if (this.call.hasBegun) actor.relations.addLink(this.call.call)
    if (this.#ctx === undefined) actor.begin(this)
    else actor.beginWithin(this)
    return actor
  }

  #dead(): Actor {
    return this.#kernel.deadActor(this.pid, this.call.served.procedure.behavior)
  }
}

function lostReason({ thread }: LostPeer): ExitReason {
  return thread === undefined ? 'noconnection' : 'threadlost'
}
