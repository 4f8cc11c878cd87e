import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import type { ActorError } from '../actor/errors.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault, type Request } from '../actor/mailbox.ts'
import { formatPid, type Pid, samePid } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import { isHere, type RemoteWork } from '../actor/thread-starter.ts'
import { watchExit } from '../actor/watch.ts'
import type { ChildInfo } from '../otp/child-table.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { InboundCalls } from './inbound-calls.ts'
import type { OfferedProcedure } from './procedure.ts'

/** How long a remote process may take to end after it was told, in milliseconds, before it (and its own thread) is killed. */
const stopGraceMs = 100

/**
 * The supervisor of all remote processes: temporary children, started on demand, each linked to the call that it runs
 * for. It also ends them: at their deadline, when their caller is gone, and when the node stops.
 */
export function rpcProcesses(kernel: Kernel, inbound: InboundCalls): Behavior {
  return {
    name: 'RpcProcesses',
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (runtime, actor) => new RpcProcesses(new Context(runtime, actor), kernel, inbound),
  }
}

interface RunningWork {
  readonly behavior: string
  readonly call: Pid
  readonly isCast: boolean
  readonly process: Pid
  deadline: Timer | undefined
  kill: Timer | undefined
  /** Why we ended it, if we did. */
  stopped: ExitReason | undefined
}

class RpcProcesses implements Process {
  readonly #ctx: Context
  readonly #kernel: Kernel
  readonly #inbound: InboundCalls
  readonly #running = new Map<string, RunningWork>()

  constructor(ctx: Context, kernel: Kernel, inbound: InboundCalls) {
    this.#ctx = ctx
    this.#kernel = kernel
    this.#inbound = inbound
  }

  init(): void {
    // What ran under a predecessor that crashed is gone with it.
    this.#inbound.endRunning()
  }

  handle(envelope: Envelope): void {
    if (envelope.type === 'request') this.#handleRequest(envelope)
    else if (envelope.type === 'EXIT') this.#handleExit(envelope.from, envelope.reason)
  }

  async terminate(): Promise<void> {
    await Promise.all(
      [...this.#running.values()].map((work) => {
        const ended = watchExit(this.#kernel, work.process)
        this.#stop(work, 'shutdown')
        return ended
      }),
    )
    // After a crash they stay instead: a thread that reads no signal is still killed at its deadline.
    for (const work of this.#running.values()) cancelTimers(work)
  }

  #handleRequest(request: Request): void {
    const [first, second] = request.args as readonly unknown[]
    if (request.name === 'run') this.#run(first as OfferedProcedure, second as RemoteWork, request)
    else if (request.name === 'stop') {
      const work = this.#running.get(formatPid(first as Pid))
      if (work !== undefined) this.#stop(work, second as ExitReason)
    } else if (request.name === 'whichChildren') {
      request.replier.reply([...this.#running.values()].map(childInfo))
    } else {
      request.replier.fail({
        code: 'ERR_NO_HANDLER',
        outcome: 'not-run',
        message: `RpcProcesses has no "${request.name}"`,
      })
    }
  }

  #run(procedure: OfferedProcedure, work: RemoteWork, request: Request): void {
    if (!this.#inbound.isWanted(work.call)) return
    const started = this.#begin(procedure, work, request)
    if (started === undefined) return
    const running: RunningWork = {
      behavior: procedure.behavior.name,
      call: work.call,
      isCast: work.request.isCast === true,
      process: started,
      deadline: undefined,
      kill: undefined,
      stopped: undefined,
    }
    running.deadline = this.#ctx.clock.after(work.request.timeLeftMs, () => this.#stop(running, 'timeout'))
    this.#running.set(formatPid(started), running)
    this.#inbound.running(work.call, started)
  }

  /** Starts the process, linked to us and to the call; `undefined` when it did not start, which is then answered. */
  #begin(procedure: OfferedProcedure, work: RemoteWork, request: Request): Pid | undefined {
    const self = this.#ctx.self
    if (isHere(procedure.thread, 0) || this.#kernel.threads === undefined) {
      const actor = this.#kernel.spawn(procedure.behavior, [work], { parent: self, link: self })
      if (work.request.isCast !== true) actor.relations.addLink(work.call)
      return actor.pid
    }
    let notRun = false
    const onNotRun = (error: ActorError): void => {
      notRun = true
      request.replier.fail(notRunFailure(error))
    }
    const links = work.request.isCast === true ? [self] : [self, work.call]
    const { pid } = this.#kernel.threads.start({
      behavior: procedure.behavior,
      args: [overThere(work, this.#ctx.clock)],
      placement: procedure.thread,
      parent: self,
      links,
      onNotRun,
    })
    return notRun ? undefined : pid
  }

  /** Tells the process to end; one that does not in its grace is killed, with its thread if it has one. */
  #stop(work: RunningWork, reason: ExitReason): void {
    if (work.stopped !== undefined) return
    work.stopped = reason
    work.kill = this.#ctx.clock.after(stopGraceMs, () => {
      this.#kernel.route({ type: 'exit', from: this.#ctx.self, to: work.process, reason: 'kill', viaLink: false })
    })
    this.#kernel.route({ type: 'exit', from: this.#ctx.self, to: work.process, reason, viaLink: false })
  }

  #handleExit(from: Pid, reason: ExitReason): void {
    const key = formatPid(from)
    const work = this.#running.get(key)
    if (work === undefined) {
      const parent = this.#kernel.actor(this.#ctx.self)?.parent
      if (parent !== undefined && samePid(parent, from)) this.#kernel.actor(this.#ctx.self)?.stop(reason)
      return
    }
    this.#running.delete(key)
    cancelTimers(work)
    this.#inbound.end(work.call)
    // A thread that was killed or lost said nothing to the call; one that spoke for itself made this signal void.
    if (from.thread !== this.#ctx.self.thread && reason !== 'normal' && !work.isCast) {
      this.#kernel.route({ type: 'exit', from, to: work.call, reason: work.stopped ?? reason, viaLink: true })
    }
  }
}

/** What a process on another thread has to know of the time that passed here. */
function overThere(work: RemoteWork, clock: Clock): RemoteWork {
  return { ...work, sentOver: { queueMs: clock.monotonic() - work.arrivedMs, wallMs: clock.wall() } }
}

function cancelTimers(work: RunningWork): void {
  work.deadline?.cancel()
  work.kill?.cancel()
}

function childInfo({ process, behavior }: RunningWork): ChildInfo {
  return { id: formatPid(process), pid: process, type: 'worker', status: 'running', behavior }
}

function notRunFailure(error: ActorError): Failure {
  const cause = error.toData()
  return error.code === 'ERR_TOO_MANY_THREADS'
    ? { code: 'ERR_OVERLOADED', outcome: 'not-run', message: error.message, cause }
    : { code: 'ERR_PROCESS_START', outcome: 'not-run', message: error.message, cause }
}
