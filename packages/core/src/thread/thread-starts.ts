import { ActorError, type ActorErrorCode } from '../actor/errors.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { Pid } from '../actor/pid.ts'
import type { BehaviorHead, ThreadSpawn, ThreadStarter } from '../actor/thread-starter.ts'
import { type Deferred, deferred } from '../base/deferred.ts'
import { errorFromData } from '../base/error-data.ts'
import { leastLoaded, slotOfKey } from './placement.ts'
import type { Begun, PlacedActor, StartFailure } from './thread-message.ts'
import type { ThreadTable } from './thread-table.ts'

/** The first actor of a thread of its own: the one that it was started for. */
export const rootSerial = 1

export interface ThreadStartsOptions {
  readonly kernel: Kernel
  readonly table: ThreadTable
  /** Names are registered here, at once; else by the thread that the actor runs on. */
  readonly ownsNames: boolean
  /** Sends the actor to its thread. Throws when its arguments can't be cloned. */
  readonly send: (placed: PlacedActor, thread: number, own: boolean) => void
}

interface Waiting {
  readonly pid: Pid
  readonly spawn: ThreadSpawn
  readonly started: Deferred<void>
}

/** The side of a start on another thread that asks for it, on any thread: chooses the place, and hears how it went. */
export class ThreadStarts implements ThreadStarter {
  readonly #options: ThreadStartsOptions
  /** By thread and serial. */
  readonly #waiting = new Map<number, Map<number, Waiting>>()

  constructor(options: ThreadStartsOptions) {
    this.#options = options
  }

  start(spawn: ThreadSpawn): { pid: Pid; started: Promise<void> } {
    const { kernel, ownsNames } = this.#options
    const { behavior, register, links } = spawn
    const pid = this.#place(spawn)
    if (register !== undefined && ownsNames) kernel.names.register(register, pid)
    // First, so that the links fire whatever comes of the start.
    for (const link of links) kernel.actor(link)?.relations.addLink(pid)
    const started = deferred<void>()
    started.promise.catch(() => undefined)
    const waiting = { pid, spawn, started }
    const { module } = behavior
    if (module === undefined) {
      this.#stillborn(waiting, new ActorError('ERR_NO_MODULE', noModuleMessage(behavior.name)))
      return { pid, started: started.promise }
    }
    const placed: PlacedActor = {
      serial: pid.serial,
      starter: kernel.thread,
      behavior: { ...headOf(behavior), module },
      args: spawn.args,
      parent: spawn.parent,
      links,
      name: register,
      register: register !== undefined && !ownsNames,
    }
    kernel.platform.threads.lend?.(behavior)
    this.#wait(waiting)
    try {
      this.#options.send(placed, pid.thread, spawn.placement === 'own')
    } catch (error) {
      const refusal = error instanceof ActorError ? error : notCloneable(behavior.name, error)
      this.#take(pid.thread, pid.serial)
      this.#stillborn(waiting, refusal)
    }
    return { pid, started: started.promise }
  }

  #place({ placement }: ThreadSpawn): Pid {
    const { table, kernel } = this.#options
    const at = (thread: number, serial: number): Pid => ({ node: kernel.node, life: kernel.life, thread, serial })
    if (placement === 'own') return at(table.nextThread(), rootSerial)
    if (placement === 'main') return at(0, table.nextMainSerial())
    const slot = placement === 'pool' ? leastLoaded(table.loads()) : slotOfKey(placement.pool, table.slots)
    return at(table.threadOf(slot), table.nextSerial(slot))
  }

  /** The actor's thread says how its start went. */
  begun({ thread, serial, failure }: Begun): void {
    const waiting = this.#take(thread, serial)
    if (waiting === undefined) return
    if (failure === undefined) {
      waiting.started.resolve()
      return
    }
    const error = startError(waiting.spawn.behavior.name, failure)
    if (failure.stillborn) {
      this.#stillborn(waiting, error)
      return
    }
    if (!failure.ran) waiting.spawn.onNotRun?.(error)
    waiting.started.reject(error)
  }

  /** A thread is gone: what it has not begun does not begin. The links fire with all others toward it. */
  threadDown(thread: number, reasonOf: (pid: Pid) => ExitReason): void {
    const all = this.#waiting.get(thread)
    this.#waiting.delete(thread)
    for (const { pid, spawn, started } of all?.values() ?? []) {
      const reason = reasonOf(pid)
      const message = `${spawn.behavior.name} did not start: ${printReason(reason)}`
      started.reject(new ActorError('ERR_START_FAILED', message, { reason }))
    }
  }

  #wait(waiting: Waiting): void {
    const { thread, serial } = waiting.pid
    const all = this.#waiting.get(thread)
    if (all === undefined) this.#waiting.set(thread, new Map([[serial, waiting]]))
    else all.set(serial, waiting)
  }

  #take(thread: number, serial: number): Waiting | undefined {
    const all = this.#waiting.get(thread)
    const waiting = all?.get(serial)
    all?.delete(serial)
    if (all?.size === 0) this.#waiting.delete(thread)
    return waiting
  }

  /** A start that failed before there was an actor. Its links fire, as those of an actor whose init failed do. */
  #stillborn({ pid, spawn, started }: Waiting, error: ActorError): void {
    const { kernel, ownsNames } = this.#options
    spawn.onNotRun?.(error)
    if (ownsNames) kernel.names.free(pid)
    for (const link of spawn.links) {
      kernel.route({ type: 'exit', from: pid, to: link, reason: error.toData(), viaLink: true })
    }
    started.reject(error)
  }
}

/** Only what is data: the rest is found again where it runs. */
function headOf({
  name,
  module,
  trapExit,
  mailboxLimit,
  mailboxPolicy,
  takesCode,
  remote,
}: BehaviorHead): BehaviorHead {
  return { name, module, trapExit, mailboxLimit, mailboxPolicy, remote, ...(takesCode !== undefined && { takesCode }) }
}

function startError(label: string, { error, reason }: StartFailure): ActorError {
  const code = (error.code ?? 'ERR_START_FAILED') as ActorErrorCode
  return new ActorError(code, `${label} did not start on its thread: ${error.message}`, {
    cause: errorFromData(error),
    reason,
  })
}

function notCloneable(name: string, error: unknown): ActorError {
  const message = `The arguments of "${name}" can not be copied to its thread: ${String(error)}`
  return new ActorError('ERR_NOT_CLONEABLE', message, { cause: error })
}

function noModuleMessage(name: string): string {
  return `"${name}" can not run on another thread: give its definition \`module: import.meta\` and export it`
}
