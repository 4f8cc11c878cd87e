import type { Actor, Process } from '../actor/actor.ts'
import type { Attachment } from '../actor/attachments.ts'
import type { Behavior } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import type { Deadline, DeadlinePlace } from '../actor/deadline-queue.ts'
import type { ActorError } from '../actor/errors.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault, type Replier, type Request } from '../actor/mailbox.ts'
import { formatPid, type Pid, samePid } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import { isHere, type Placement, type RemoteWork, type ThreadStarter } from '../actor/thread-starter.ts'
import { watchExit } from '../actor/watch.ts'
import { cutOut } from '../base/given-bytes.ts'
import { SerialTable } from '../base/serial-table.ts'
import type { ChildInfo } from '../otp/child-table.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { InboundCalls, ProcessStarter, TimeLeft } from './inbound-calls.ts'
import type { OfferedProcedure } from './procedure.ts'

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

/** One remote process. */
class RunningWork implements Deadline, Attachment {
  place: DeadlinePlace | number | undefined
  kill: Timer | undefined
  /** Why we ended it, if we did. */
  stopped: ExitReason | undefined
  hasEnded = false
  /** Known once it was started. */
  process: Pid | undefined
  readonly behavior: string
  readonly work: RemoteWork
  readonly #processes: RpcProcesses

  constructor(processes: RpcProcesses, behavior: string, work: RemoteWork) {
    this.#processes = processes
    this.behavior = behavior
    this.work = work
  }

  expire(): void {
    this.#processes.end(this, 'timeout')
  }

  /** The process ended, on this thread. */
  ownerExited(): void {
    this.#processes.ended(this)
  }
}

class RpcProcesses implements Process, Attachment, ProcessStarter {
  readonly #ctx: Context
  readonly #actor: Actor
  readonly #kernel: Kernel
  readonly #inbound: InboundCalls
  /** By serial. */
  readonly #here = new SerialTable<RunningWork>()
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
        const ended = watchExit(this.#kernel, work.process as Pid)
        this.end(work, 'shutdown')
        return ended
      }),
    )
    // After a crash they stay instead: a thread that reads no signal is still killed at its deadline.
    for (const work of this.#all()) this.#cancelTimers(work)
  }

  /** This actor ended: what runs ends with it. Links do that on other threads. */
  ownerExited(reason: ExitReason): void {
    this.#isOver = true
    this.#startNoMore()
    for (const [, work] of this.#here.entries()) this.#tell(work, reason)
  }

  start(procedure: OfferedProcedure, work: RemoteWork, { leftMs, seenMs }: TimeLeft, caller: Replier): void {
    const running = new RunningWork(this, procedure.behavior.name, work)
    const isHereToo = isHere(procedure.thread, 0) || this.#kernel.threads === undefined
    const process = isHereToo
      ? this.#startHere(procedure, running)
      : this.#startElsewhere(procedure, running, leftMs, caller)
    if (process === undefined) return
    running.process = process
    this.#kernel.deadlines.add(running, leftMs, seenMs)
    if (isHereToo) this.#here.set(process.serial, running)
    else {
      this.#elsewhere.set(formatPid(process), running)
      work.request.input = undefined
    }
    this.#inbound.running(work.call, process)
  }

  /** In a turn of its own: the caller that gave up may be of this thread, and must not hear of the end before that is over. */
  stop(process: Pid, reason: ExitReason): void {
    const isOfThisThread = process.thread === this.#ctx.self.thread
    const work = isOfThisThread ? this.#here.get(process.serial) : this.#elsewhere.get(formatPid(process))
    if (work !== undefined) this.#kernel.platform.turns.enqueue({ runTurn: () => this.end(work, reason) })
  }

  /** Tells a process to end; one that does not in its grace is killed, with its thread if it has one. */
  end(work: RunningWork, reason: ExitReason): void {
    if (work.stopped !== undefined || work.hasEnded) return
    work.stopped = reason
    work.kill = this.#ctx.clock.after(stopGraceMs, () => this.#tell(work, 'kill'))
    this.#tell(work, reason)
  }

  /** A process of this thread ended. */
  ended(work: RunningWork): void {
    work.hasEnded = true
    this.#here.delete((work.process as Pid).serial)
    this.#cancelTimers(work)
    // The next life of this actor does that, once it can start what waits.
    if (!this.#isOver) this.#inbound.end(work.work.call)
  }

  #startNoMore(): void {
    if (this.#inbound.processes === this) this.#inbound.processes = undefined
  }

  #all(): RunningWork[] {
    return [...this.#here.entries().map(([, work]) => work), ...this.#elsewhere.values()]
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

  #startHere({ behavior }: OfferedProcedure, running: RunningWork): Pid {
    const { work } = running
    const actor = this.#kernel.spawn(behavior, [work], { parent: this.#ctx.self, keeper: running })
    if (work.request.isCast !== true) actor.relations.addLink(work.call)
    return actor.pid
  }

  /** Starts it linked to us and to the call; `undefined` when it did not start, which is then answered. */
  #startElsewhere(
    procedure: OfferedProcedure,
    { work }: RunningWork,
    timeLeftMs: number,
    caller: Replier,
  ): Pid | undefined {
    const self = this.#ctx.self
    let notRun = false
    const onNotRun = (error: ActorError): void => {
      notRun = true
      caller.fail(notRunFailure(error))
    }
    const links = work.request.isCast === true ? [self] : [self, work.call]
    const { pid } = (this.#kernel.threads as ThreadStarter).start({
      behavior: procedure.behavior,
      args: [overThere(work, timeLeftMs, this.#ctx.clock)],
      placement: procedure.thread as Exclude<Placement, 'same'>,
      parent: self,
      links,
      onNotRun,
    })
    return notRun ? undefined : pid
  }

  #tell(work: RunningWork, reason: ExitReason): void {
    this.#kernel.route({ type: 'exit', from: this.#ctx.self, to: work.process as Pid, reason, viaLink: false })
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
    const { call, request } = running.work
    this.#elsewhere.delete(key)
    this.#cancelTimers(running)
    this.#inbound.end(call)
    // A thread that was killed or lost said nothing to the call; one that spoke for itself made this signal void.
    if (reason !== 'normal' && request.isCast !== true) {
      this.#kernel.route({ type: 'exit', from, to: call, reason: running.stopped ?? reason, viaLink: true })
    }
  }

  #cancelTimers(work: RunningWork): void {
    this.#kernel.deadlines.remove(work)
    work.kill?.cancel()
  }
}

/** What a process on another thread has to know of the time that passed here. */
function overThere(work: RemoteWork, timeLeftMs: number, clock: Clock): RemoteWork {
  const sentOver = { queueMs: clock.monotonic() - work.arrivedMs, wallMs: clock.wall() }
  const { input } = work.request
  const own = input instanceof Uint8Array ? cutOut(input) : input
  return { ...work, request: { ...work.request, input: own, timeLeftMs }, sentOver }
}

function childInfo({ process, behavior }: RunningWork): ChildInfo {
  const pid = process as Pid
  return { id: formatPid(pid), pid, type: 'worker', status: 'running', behavior }
}

function notRunFailure(error: ActorError): Failure {
  const cause = error.toData()
  return error.code === 'ERR_TOO_MANY_THREADS'
    ? { code: 'ERR_OVERLOADED', outcome: 'not-run', message: error.message, cause }
    : { code: 'ERR_PROCESS_START', outcome: 'not-run', message: error.message, cause }
}
