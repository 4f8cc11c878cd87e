import { type Deferred, deferred } from '../base/deferred.ts'
import { type ErrorData, errorData, errorFromData } from '../base/error-data.ts'
import { ActorError, type ActorErrorCode } from '../actor/errors.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { Kernel } from '../actor/kernel.ts'
import { formatPid, type Pid, samePid } from '../actor/pid.ts'
import type { Router } from '../actor/router.ts'
import type { Failure, Signal } from '../actor/signal.ts'
import type { ThreadSpawn, ThreadStarter } from '../actor/thread-starter.ts'
import type { Timer } from '../platform/clock.ts'
import { sometimes } from '../platform/property.ts'
import type { ThreadEnd, ThreadEvents, ThreadHandle } from '../platform/threads.ts'
import { ThreadChannel } from './thread-channel.ts'
import type { FromThread, ThreadBoot, ToThread } from './thread-message.ts'

/** The threads of their own that one node runs at a time. One more is refused with `ERR_START_FAILED`. */
const ownThreadsMax = 128

/**
 * How long a thread may leave the news of its parent's end unread before it is killed. Only reading it counts: what the
 * actor does then takes as long as it takes. An actor that spins reads nothing, and nobody else is left to kill it.
 */
export const orphanGraceMs = 5_000

/** The first actor of a thread: the one that it was started for. */
const rootSerial = 1

export interface OwnThreadsOptions {
  readonly kernel: Kernel
  readonly regionTable: SharedArrayBuffer
  /** Acts on signals from threads that are not for this thread's actors: other threads and other nodes. */
  readonly onSignal: (signal: Signal) => void
  /** A thread is gone, after everything that it had said: other nodes should hear of it. */
  readonly onLost: (lost: LostPeer) => void
}

interface OwnThread {
  readonly pid: Pid
  readonly spawn: ThreadSpawn
  readonly handle: ThreadHandle
  readonly channel: ThreadChannel<ToThread>
  readonly started: Deferred<void>
  /** Before it has, what ends the thread is no error of the actor's: none of it ran. */
  hasStarted: boolean
  /** Why its actor ended, as far as it said so, or as we ordered. */
  ended: ExitReason | undefined
  /** Runs while the thread has not read that its parent ended. */
  orphaned: Timer | undefined
}

/** The main thread's side of actors on worker threads of their own: starts them, carries their signals, kills them. */
export class OwnThreads implements ThreadStarter, Router {
  readonly #options: OwnThreadsOptions
  readonly #threads = new Map<number, OwnThread>()
  #lastNumber = 0

  constructor(options: OwnThreadsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#threads.size
  }

  start(spawn: ThreadSpawn): { pid: Pid; started: Promise<void> } {
    const { kernel } = this.#options
    const number = ++this.#lastNumber
    const pid: Pid = { node: kernel.node, life: kernel.life, thread: number, serial: rootSerial }
    if (spawn.register !== undefined) kernel.names.register(spawn.register, pid)
    // First, so that the links fire whatever comes of the start.
    for (const link of spawn.links) kernel.actor(link)?.relations.addLink(pid)
    if (spawn.behavior.module === undefined) {
      return this.#stillborn(pid, spawn, new ActorError('ERR_NO_MODULE', noModuleMessage(spawn.behavior.name)))
    }
    if (this.#threads.size >= ownThreadsMax) {
      const message = `The node already runs ${ownThreadsMax} threads of their own`
      return this.#stillborn(pid, spawn, new ActorError('ERR_TOO_MANY_THREADS', message))
    }
    const boot: ThreadBoot = {
      node: kernel.node,
      life: kernel.life,
      thread: number,
      module: spawn.behavior.module,
      behavior: spawn.behavior.name,
      args: spawn.args,
      parent: spawn.parent,
      links: spawn.links,
      names: kernel.names.entries(),
      regionTable: this.#options.regionTable,
      environment: kernel.platform.environment,
    }
    let handle: ThreadHandle
    try {
      const events: ThreadEvents = {
        message: (batch) => this.#receive(number, batch as readonly FromThread[]),
        ended: (end) => this.#lost(number, end),
      }
      handle = kernel.platform.threads.start(boot, events, spawn.behavior)
    } catch (error) {
      const message = `The arguments of "${spawn.behavior.name}" can not be copied to its thread: ${String(error)}`
      return this.#stillborn(pid, spawn, new ActorError('ERR_NOT_CLONEABLE', message, { cause: error }))
    }
    const started = deferred<void>()
    started.promise.catch(() => undefined)
    const channel = new ThreadChannel<ToThread>(kernel.platform.turns, (batch) => handle.post(batch))
    this.#threads.set(number, {
      pid,
      spawn,
      handle,
      channel,
      started,
      hasStarted: false,
      ended: undefined,
      orphaned: undefined,
    })
    return { pid, started: started.promise }
  }

  /** Main's actors, other threads and other nodes speak to a thread's actors through here. */
  route(signal: Signal): void {
    const thread = this.#threads.get(signal.to.thread)
    if (thread === undefined) {
      this.#options.kernel.bounce(signal, 'noproc')
      return
    }
    // The kill must work on a thread that reads nothing.
    if (signal.type === 'exit' && signal.reason === 'kill' && !signal.viaLink && signal.to.serial === rootSerial) {
      this.kill(signal.to)
      return
    }
    if (thread.channel.isFullFor(signal)) this.#refuse(signal, thread)
    else thread.channel.send({ type: 'signal', signal })
    if (endsOrphan(signal, thread.spawn.parent)) this.#expectRead(thread)
  }

  #expectRead(thread: OwnThread): void {
    thread.channel.send({ type: 'echo' })
    thread.orphaned ??= this.#options.kernel.platform.clock.after(orphanGraceMs, () => {
      const fields = { actor: formatPid(thread.pid), label: thread.spawn.behavior.name, graceMs: orphanGraceMs }
      this.#options.kernel.platform.log.warn(fields, 'a thread that did not read of the end of its parent is killed')
      this.kill(thread.pid)
    })
  }

  #refuse(signal: Signal, thread: OwnThread): void {
    const { kernel } = this.#options
    if (signal.type !== 'call') {
      kernel.counters.mailboxDrops += 1
      return
    }
    kernel.counters.mailboxRefusals += 1
    const message = `The thread of ${thread.spawn.behavior.name} does not read its messages`
    const failure: Failure = { code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message }
    kernel.route({ type: 'reply', to: signal.from, ref: signal.ref, result: { ok: false, failure } })
  }

  kill(pid: Pid): void {
    const thread = this.#threads.get(pid.thread)
    if (thread === undefined) return
    thread.ended ??= 'killed'
    thread.handle.terminate()
  }

  /** Tells all threads: a name changed hands, a node was lost. */
  broadcast(message: ToThread): void {
    for (const thread of this.#threads.values()) thread.channel.send(message)
  }

  /** Kills all that is left. Resolves by itself as their ends arrive; the caller need not wait. */
  stop(): void {
    for (const thread of this.#threads.values()) this.kill(thread.pid)
  }

  /** A start that failed before there was a thread. Its links fire, as those of an actor whose init failed do. */
  #stillborn(pid: Pid, spawn: ThreadSpawn, error: ActorError): { pid: Pid; started: Promise<void> } {
    spawn.onNotRun?.(error)
    this.#options.kernel.names.free(pid)
    this.#fireLinks(pid, spawn, error.toData())
    const started = Promise.reject(error)
    started.catch(() => undefined)
    return { pid, started }
  }

  #fireLinks(pid: Pid, spawn: ThreadSpawn, reason: ExitReason): void {
    for (const link of spawn.links)
      this.#options.kernel.route({ type: 'exit', from: pid, to: link, reason, viaLink: true })
  }

  #receive(number: number, batch: readonly FromThread[]): void {
    const thread = this.#threads.get(number)
    if (thread === undefined) return
    for (const message of thread.channel.receive(batch)) this.#act(thread, message)
  }

  #act(thread: OwnThread, message: FromThread): void {
    const { kernel } = this.#options
    switch (message.type) {
      case 'signal':
        this.#options.onSignal(message.signal)
        return
      case 'started':
        thread.hasStarted = true
        thread.started.resolve()
        return
      case 'echo':
        thread.orphaned?.cancel()
        thread.orphaned = undefined
        return
      case 'startFailed':
        this.#startFailed(thread, message)
        return
      case 'ended':
        kernel.names.free(message.pid)
        if (message.pid.serial === rootSerial) {
          thread.ended = message.reason
          // What it had to say about its end is in this batch; the turn behind it takes the thread away.
          kernel.platform.turns.enqueue({ runTurn: () => thread.handle.terminate() })
        }
        return
      case 'register': {
        let error: ErrorData | undefined
        try {
          kernel.names.register(message.name, message.pid)
        } catch (thrown) {
          error = errorData(thrown)
        }
        thread.channel.send({ type: 'registered', ref: message.ref, error })
        return
      }
      case 'log':
        kernel.platform.log[message.level]({ thread: thread.pid.thread, ...message.fields }, message.message)
    }
  }

  #startFailed(thread: OwnThread, message: Extract<FromThread, { type: 'startFailed' }>): void {
    const error = startError(thread.spawn.behavior.name, message.error, message.reason)
    thread.ended = message.reason
    thread.started.reject(error)
    if (message.ran) return
    thread.spawn.onNotRun?.(error)
    this.#fireLinks(thread.pid, thread.spawn, message.reason)
    thread.handle.terminate()
  }

  #lost(number: number, end: ThreadEnd): void {
    const thread = this.#threads.get(number)
    if (thread === undefined) return
    this.#threads.delete(number)
    thread.orphaned?.cancel()
    const { kernel } = this.#options
    const reason: ExitReason =
      thread.ended ?? (end.error !== undefined && thread.hasStarted ? errorData(end.error) : 'threadlost')
    sometimes(thread.ended === undefined, 'skerry/a thread was lost without a word')
    if (thread.ended === undefined) {
      const fields = {
        thread: number,
        actor: formatPid(thread.pid),
        label: thread.spawn.behavior.name,
        exitCode: end.exitCode,
        reason,
      }
      kernel.platform.log.error(fields, 'a thread was lost')
    }
    thread.started.reject(
      new ActorError('ERR_START_FAILED', `${thread.spawn.behavior.name} did not start: ${printReason(reason)}`, {
        reason,
      }),
    )
    const lost: LostPeer = { node: kernel.node, life: kernel.life, thread: number }
    kernel.names.freeLost(lost)
    kernel.peerLost(lost, (pid) => (pid.serial === rootSerial ? reason : 'threadlost'))
    this.broadcast({ type: 'peerLost', lost, reason })
    this.#options.onLost(lost)
  }
}

/** Whether this tells a thread's actor that the parent it is linked to has ended, so that it should end as well. */
function endsOrphan(signal: Signal, parent: Pid | undefined): boolean {
  return (
    signal.type === 'exit' &&
    signal.viaLink &&
    signal.reason !== 'normal' &&
    signal.to.serial === rootSerial &&
    parent !== undefined &&
    samePid(signal.from, parent)
  )
}

function startError(label: string, error: ErrorData, reason: ExitReason): ActorError {
  const code = (error.code ?? 'ERR_START_FAILED') as ActorErrorCode
  return new ActorError(code, `${label} did not start on its thread: ${error.message}`, {
    cause: errorFromData(error),
    reason,
  })
}

function noModuleMessage(name: string): string {
  return `"${name}" can not run on a thread of its own: give its definition \`module: import.meta\` and export it`
}
