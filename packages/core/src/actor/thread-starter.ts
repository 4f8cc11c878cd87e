import type { ActorError } from './errors.ts'
import type { MailboxPolicy } from './mailbox.ts'
import type { NodeId, Pid } from './pid.ts'
import type { SpawnRequest } from './signal.ts'

/**
 * Where an actor runs:
 * - `'same'`: on the thread of the one who starts it;
 * - `'main'`: on the node's main thread;
 * - `'pool'`: on the pool's thread that has the fewest actors that were placed there;
 * - `{ pool: key }`: on the pool's thread that this key always leads to;
 * - `'own'`: on a worker thread of its own, which can be killed at any time.
 */
export type Placement = 'same' | 'main' | 'pool' | 'own' | { readonly pool: string }

/** Whether an actor of that placement runs on the thread of the one who starts it. */
export function isHere(placement: Placement, thread: number): placement is 'same' | 'main' {
  return placement === 'same' || (placement === 'main' && thread === 0)
}

/** A remote process's part of a spawn on another thread. */
export interface RemoteWork {
  readonly call: Pid
  /** The node that asked, which the call's address may not be of. */
  readonly caller: NodeId
  /** Its time left is that at its arrival; where it runs on another thread, that when it was sent there. */
  readonly request: SpawnRequest
  /** When the request came, by the monotonic clock of the main thread. */
  readonly arrivedMs: number
  /** Where it runs on another thread: what it had waited by then, and the wall clock. */
  readonly sentOver?: { readonly queueMs: number; readonly wallMs: number }
  /** There: its place among the node's marks. */
  readonly mark?: number | undefined
  /** Whether its procedure has begun, or runs for nobody who would be told that it has not. */
  hasBegun?: boolean
  /** On main: whether its node can hold so much more for it, in bytes, which it does from here on. */
  holdsMore?(bytes: number): boolean
}

/** What is known of a behavior before its module is loaded: its name there, and how its actor is set up. */
export interface BehaviorHead {
  readonly name: string
  readonly module: string | undefined
  readonly trapExit: boolean
  readonly mailboxLimit: number
  /** Who of other nodes may send signals to its actors before their Pid was sent out. Default: nobody. */
  readonly remote?: 'members' | undefined
  /** Default `reject`. */
  readonly mailboxPolicy?: MailboxPolicy | undefined
  /** Its calls may carry behaviors: on a platform that copies what actors hand over, theirs is not. Default false. */
  readonly takesCode?: boolean
}

export interface ThreadSpawn {
  readonly behavior: BehaviorHead
  readonly args: readonly unknown[]
  readonly placement: Exclude<Placement, 'same'>
  readonly parent: Pid | undefined
  /** Who is linked to it. Actors of this thread are linked to it here, on both sides. */
  readonly links: readonly Pid[]
  /** A name for it. */
  readonly register?: string | undefined
  /** Called when nothing of it ran, before any link fires. */
  readonly onNotRun?: (error: ActorError) => void
}

/** Starts actors on other threads. */
export interface ThreadStarter {
  /**
   * Has the actor started on the thread where it belongs, which loads the behavior's module. The Pid is valid at once:
   * signals to it wait for the thread. `started` rejects with an `ActorError` when the module or the init fails. On the
   * main thread it throws `ERR_NAME_TAKEN`, and nothing was started; elsewhere `started` rejects with that.
   */
  start(spawn: ThreadSpawn): { pid: Pid; started: Promise<void> }
}
