import type { ActorError } from './errors.ts'
import type { Pid } from './pid.ts'
import type { SpawnRequest } from './signal.ts'

/** Where an actor runs: on the thread of the one who starts it, or on a worker thread of its own, which can be killed. */
export type Placement = 'same' | 'own'

/** A remote process's part of a spawn on a thread of its own. */
export interface RemoteWork {
  readonly call: Pid
  readonly request: SpawnRequest
}

export interface ThreadSpawn {
  readonly behavior: { readonly name: string; readonly module: string | undefined }
  readonly args: readonly unknown[]
  readonly parent: Pid | undefined
  /** Who is linked to it. Actors of this thread are linked to it here, on both sides. */
  readonly links: readonly Pid[]
  /** A name for it. */
  readonly register?: string | undefined
  /** Called when nothing of it ran, before any link fires. */
  readonly onNotRun?: (error: ActorError) => void
}

/** Starts actors on threads of their own. */
export interface ThreadStarter {
  /**
   * Starts a thread, loads the behavior's module in it and starts the actor there. The Pid is valid at once: signals to
   * it wait for the thread. `started` rejects with an `ActorError` when the module or the init fails. Throws
   * `ERR_NAME_TAKEN`; then nothing was started.
   */
  start(spawn: ThreadSpawn): { pid: Pid; started: Promise<void> }
  /** Stops the thread of such an actor, also one that never yields. Its links and monitors fire with `killed`. */
  kill(pid: Pid): void
}
