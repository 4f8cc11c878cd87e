import type { Actor, Process } from '../actor/actor.ts'
import { type Attachment, Attachments } from '../actor/attachments.ts'
import type { Behavior } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import type { ActorError } from '../actor/errors.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault, type Request } from '../actor/mailbox.ts'
import { formatPid, type Pid, samePid } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import { isHere, type Placement, type RemoteWork, type ThreadStarter } from '../actor/thread-starter.ts'
import { watchExit } from '../actor/watch.ts'
import { cutOut } from '../base/given-bytes.ts'
import type { ChildInfo } from '../otp/child-table.ts'
import type { Clock } from '../platform/clock.ts'
import { actorSpawns } from '../platform/telemetry.ts'
import type { InboundCall } from './inbound-call.ts'
import type { InboundCalls, ProcessStarter } from './inbound-calls.ts'
import { LightProcess } from './light-process.ts'
import { notBegunFailure } from './exit-failure.ts'
import type { OfferedProcedure } from './procedure.ts'
import { type ProcessKeeper, RunningWork } from './running-work.ts'

/** How long a remote process may take to end after it was told, in milliseconds, before it (and its own thread) is killed. */
const stopGraceMs = 100

/**
 * The supervisor of all remote processes: temporary children, started on demand, each linked to the call that it runs
 * for. It also ends them: at their deadline, when their caller is gone, when the node stops, and when it ends itself.
 *
 * Starts and ends don't pass through its mailbox: a message for each would cost as much as all else that a call does here.
 */
export function rpcProcesses(kernel: Kernel, inbound: InboundCalls): Behavior {
  return {
    name: 'RpcProcesses',
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (runtime, actor) => new RpcProcesses(new Context(runtime, actor), actor, kernel, inbound),
  }
}

class RpcProcesses implements Process, Attachment, ProcessKeeper, ProcessStarter {
  readonly #ctx: Context
  readonly #actor: Actor
  readonly #kernel: Kernel
  readonly #inbound: InboundCalls
  readonly #here = new Attachments<RunningWork>()
  /** On other threads, by their printed Pid. */
  readonly #elsewhere = new Map<string, RunningWork>()
  #isOver = false

  constructor(ctx: Context, actor: Actor, kernel: Kernel, inbound: InboundCalls) {
    this.#ctx = ctx
    this.#actor = actor
    this.#kernel = kernel
    this.#inbound = inbound
  }

  init(): void {
    // What ran under a predecessor that crashed is gone with it.
    this.#inbound.endRunning()
    this.#actor.attach(this)
    this.#inbound.processes = this
  }

  handle(envelope: Envelope): void {
    if (envelope.type === 'request') this.#handleRequest(envelope)
    else if (envelope.type === 'EXIT') this.#handleExit(envelope.from, envelope.reason)
  }

  async terminate(): Promise<void> {
    this.#startNoMore()
    await Promise.all(
      this.#all().map((work) => {
        const ended = watchExit(this.#kernel, work.process)
        this.end(work, 'shutdown')
        return ended
      }),
    )
    // After a crash they stay instead: a thread that reads no signal is still killed at its deadline.
    for (const work of this.#all()) this.#cancelTimers(work)
  }

  /** This actor ended: what runs ends with it. */
  ownerExited(reason: ExitReason): void {
    this.#isOver = true
    this.#startNoMore()
    for (const work of this.#here.all()) this.#tell(work, reason)
    for (const work of this.#elsewhere.values()) {
      this.#tellEnd(work, reason)
      // A link that breaks ends no thread that reads nothing.
      this.end(work, reason)
    }
  }

  start(call: InboundCall): void {
    const { procedure } = call.served
    if (isHere(procedure.thread, 0) || this.#kernel.threads === undefined) this.#startHere(procedure, call)
    else this.#startElsewhere(procedure, call)
  }

  /** In a turn of its own: the caller that gave up may be of this thread, and must not hear of the end before that is over. */
  stop(work: RunningWork, reason: ExitReason): void {
    this.#kernel.platform.turns.enqueue({ runTurn: () => this.end(work, reason) })
  }

  /** Tells a process to end; one that does not in its grace is killed, with its thread if it has one. */
  end(work: RunningWork, reason: ExitReason): void {
    if (work.stopped !== undefined || work.hasEnded) return
    work.stopped = reason
    work.kill = this.#ctx.clock.after(stopGraceMs, () => this.#tell(work, 'kill'))
    this.#tell(work, reason)
  }

  /** A process of this thread ended. */
  ended(work: RunningWork, reason: ExitReason): void {
    work.hasEnded = true
    if (reason !== 'normal' && !work.call.hasBegun) this.#tellNotBegun(work, reason)
    this.#here.delete(work)
    this.#cancelTimers(work)
    // The next life of this actor does that, once it can start what waits.
    if (!this.#isOver && work.call.isWanted) this.#inbound.end(work.call.call)
  }

  #startNoMore(): void {
    if (this.#inbound.processes === this) this.#inbound.processes = undefined
  }

  #all(): RunningWork[] {
    return [...this.#here.all(), ...this.#elsewhere.values()]
  }

  #handleRequest(request: Request): void {
    if (request.name === 'whichChildren') {
      request.replier.reply(this.#all().map(childInfo))
    } else {
      request.replier.fail({
        code: 'ERR_NO_HANDLER',
        outcome: 'not-run',
        message: `RpcProcesses has no "${request.name}"`,
      })
    }
  }

  #startHere(procedure: OfferedProcedure, call: InboundCall): void {
    const kernel = this.#kernel
    const { code } = procedure
    // Whoever listens is told of the address, and may use it.
    const mayBeLight = code !== undefined && call.request.isCast !== true && !actorSpawns.hasSubscribers
    const work = mayBeLight
      ? new LightProcess(this, kernel, this.#ctx.self, call, code)
      : this.#startActor(procedure, call)
    // Whoever was told of it ended it at once.
    if (work.hasEnded) return
    // A turn waits, and most have ended before the turns pause: they need no place among the deadlines.
    kernel.deadlines.addSoon(work, call.leftMs)
    this.#here.add(work)
    this.#inbound.running(call, work)
  }

  #startActor({ behavior }: OfferedProcedure, call: InboundCall): RunningWork {
    const work = new RunningWork(this, call, undefined)
    const actor = this.#kernel.spawn(behavior, [call], { parent: this.#ctx.self, keeper: work })
    work.started(actor.pid)
    return work
  }

  /** Starts it linked to us; when it begins it links itself to the call. If it does not start the call is told so. */
  #startElsewhere(procedure: OfferedProcedure, call: InboundCall): void {
    const self = this.#ctx.self
    let notRun = false
    const onNotRun = (error: ActorError): void => {
      notRun = true
      call.fail(notRunFailure(error))
    }
    const { begunMarks } = this.#kernel
    const mark = begunMarks?.take()
    const { pid } = (this.#kernel.threads as ThreadStarter).start({
      behavior: procedure.behavior,
      args: [overThere(call, this.#ctx.clock, mark)],
      placement: procedure.thread as Exclude<Placement, 'same'>,
      parent: self,
      links: [self],
      onNotRun,
    })
    if (notRun) {
      begunMarks?.giveBack(mark)
      return
    }
    const work = new RunningWork(this, call, pid)
    work.mark = mark
    this.#kernel.deadlines.add(work, call.leftMs, call.seenMs)
    this.#elsewhere.set(formatPid(pid), work)
    call.request.input = undefined
    this.#inbound.running(call, work)
  }

  #tell(work: RunningWork, reason: ExitReason): void {
    this.#kernel.route({ type: 'exit', from: this.#ctx.self, to: work.process, reason, viaLink: false })
  }

  #handleExit(from: Pid, reason: ExitReason): void {
    const key = formatPid(from)
    const running = this.#elsewhere.get(key)
    if (running === undefined) {
      const { parent } = this.#actor
      if (parent !== undefined && samePid(parent, from)) this.#actor.stop(reason)
      return
    }
    running.hasEnded = true
    this.#elsewhere.delete(key)
    this.#cancelTimers(running)
    if (reason !== 'normal') this.#tellEnd(running, reason)
    this.#kernel.begunMarks?.giveBack(running.mark)
    this.#inbound.end(running.call.call)
  }

  /** A thread that was killed or lost said nothing to the call, nor did a process before it had begun. */
  #tellEnd(work: RunningWork, reason: ExitReason): void {
    const { call, request } = work.call
    if (this.#kernel.begunMarks?.revoke(work.mark) === true) this.#tellNotBegun(work, reason)
    // Void where its process has spoken for itself.
    else if (request.isCast !== true) {
      const from = work.process
      this.#kernel.route({ type: 'exit', from, to: call, reason: work.stopped ?? reason, viaLink: true })
    }
  }

  /** Its process is linked to the call from its beginning on, and before it to nobody who would tell. */
  #tellNotBegun({ call: { call, request, isWanted, isStandIn }, stopped }: RunningWork, reason: ExitReason): void {
    if (request.isCast === true) {
      // One whose process could not even be started was counted with that.
      if (isWanted) this.#kernel.counters.castsNotRun += 1
    }
    // A stand-in waits for the end of work that nobody wants, too.
    else if (isWanted || isStandIn) {
      const failure = notBegunFailure(stopped ?? reason)
      this.#kernel.route({ type: 'reply', to: call, ref: 0, result: { ok: false, failure } })
    }
  }

  #cancelTimers(work: RunningWork): void {
    this.#kernel.deadlines.remove(work)
    work.kill?.cancel()
  }
}

/** What a process on another thread has to know of its call, and of the time that passed here. */
function overThere(inbound: InboundCall, clock: Clock, mark: number | undefined): RemoteWork {
  const { call, caller, request, arrivedMs, leftMs } = inbound
  const sentOver = { queueMs: clock.monotonic() - arrivedMs, wallMs: clock.wall() }
  const { input } = request
  const own = input instanceof Uint8Array ? cutOut(input) : input
  return { call, caller, request: { ...request, input: own, timeLeftMs: leftMs }, arrivedMs, sentOver, mark }
}

function childInfo({ process: pid, behavior }: RunningWork): ChildInfo {
  return { id: formatPid(pid), pid, type: 'worker', status: 'running', behavior }
}

function notRunFailure(error: ActorError): Failure {
  const cause = error.toData()
  return error.code === 'ERR_TOO_MANY_THREADS'
    ? { code: 'ERR_OVERLOADED', outcome: 'not-run', message: error.message, cause }
    : { code: 'ERR_PROCESS_START', outcome: 'not-run', message: error.message, cause }
}
