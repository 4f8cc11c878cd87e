import type { InTrace, Tracing } from '../platform/trace-context.ts'
import type { CreditAccounts } from '../base/credit-account.ts'
import type { HeldBytes } from '../base/held-bytes.ts'
import type { CallOwner } from './pending-call.ts'
import type { Actor, Process } from './actor.ts'
import type { Attachment } from './attachments.ts'
import type { BegunMarks } from './begun-marks.ts'
import type { DeadlineQueue } from './deadline-queue.ts'
import type { Addressable, Host } from './host.ts'
import type { Names } from './names.ts'
import type { NodeWatchers } from './node-watchers.ts'
import type { Pid, Target } from './pid.ts'
import type { ManyServices } from './remote-many.ts'
import type { ReplicaServices } from './remote-replica.ts'
import type { StreamServices } from './remote-stream.ts'
import type { RemoteServices } from './remote-verbs.ts'
import type { Router } from './router.ts'
import type { CastSignal, MessageSignal } from './signal.ts'
import type { BehaviorHead, ThreadStarter } from './thread-starter.ts'

// Behaviors are handed the runtime, and the runtime starts behaviors: the two refer to each other, so they share a file.

declare const types: unique symbol

/**
 * The code that an actor runs: made by `genServer`, `supervisor`, `actor` and `procedure`, never written by hand.
 * With a `module` any thread can load it by the module's URL and its name.
 */
export interface Behavior<
  out Args extends readonly unknown[] = readonly unknown[],
  out Protocol = unknown,
> extends BehaviorHead {
  /** What one life of an actor runs. */
  createProcess(runtime: Runtime, actor: Actor, args: readonly unknown[]): Process
  readonly [types]?: { args: Args; protocol: Protocol }
}

/** What `import.meta` gives: enough to find a module again. */
export interface ModuleMeta {
  readonly url: string
}

export interface SpawnOptions {
  readonly parent?: Pid | undefined
  readonly link?: Pid | undefined
  readonly register?: string | undefined
  /** One of the node's own actors: signals from other nodes don't reach it. */
  readonly system?: boolean
  /** Told of its end within it, behind its links: for one who keeps books of many actors. */
  readonly keeper?: Attachment
}

/** The kernel as contexts and processes use it. */
export interface Runtime extends Host {
  readonly node: string
  readonly life: number
  readonly thread: number
  /** The largest argument, result or item of a call by region, in bytes as encoded. */
  readonly bodyBytesMax: number
  readonly names: Names
  /** The nodes that are up, and who is told of changes. */
  readonly nodes: NodeWatchers
  /** Carries what is not for this thread. */
  readonly away: Router
  /** Calls by region. */
  readonly remote: RemoteServices | undefined
  /** What waits for the local replica. */
  readonly replica: ReplicaServices | undefined
  /** Streams. */
  readonly streams: StreamServices | undefined
  /** Many deadlines on few timers. */
  readonly deadlines: DeadlineQueue
  /** Calls of many nodes. */
  readonly many: ManyServices | undefined
  /** Starts actors on threads of their own, where that is possible. */
  readonly threads: ThreadStarter | undefined
  /** Which remote processes on other threads have begun. */
  readonly begunMarks: BegunMarks | undefined
  /** Whether anything on this thread is part of a trace. */
  readonly tracing: Tracing
  /** What streams may make this thread hold, by peer. */
  readonly credit: CreditAccounts
  /** What the decoded inputs of remote processes take on a thread that is not main. */
  readonly inputs: HeldBytes | undefined
  /** How a name is registered: at once on the main thread, through it elsewhere. Its holder may change its partitions. */
  readonly registerName: (name: string, pid: Pid, partitions?: number) => Promise<void> | void
  /** The actor of this thread that was last written to by its own Pid object, while it lives: who has that needs no look-up. */
  readonly recent: Actor | undefined
  nextRef(): number
  allocatePid(): Pid
  isLocal(pid: Pid): boolean
  /** Gives something an address that it allocated. */
  add(entity: Addressable): void
  forget(pid: Pid): void
  resolve(target: Target): Pid | undefined
  actor(pid: Pid): Actor | undefined
  spawn(behavior: Behavior, args: readonly unknown[], options?: SpawnOptions): Actor
  /** `work`: what makes the call, where that may have a place in a trace. */
  call(
    owner: CallOwner,
    target: Target,
    name: string,
    args: readonly unknown[],
    timeoutMs: number,
    work?: InTrace,
  ): Promise<unknown>
  /** Puts a message or cast of this thread in the mailbox of one of its actors. Throws `ERR_NOT_ENCODABLE` where copies are made. */
  post(from: CallOwner, signal: MessageSignal | CastSignal): void
  /** A body as the handler should see it. Throws `ERR_NOT_DECODABLE`. */
  open(body: unknown, encoded: boolean): unknown
  /** The arguments of a call or cast. Throws `ERR_NOT_DECODABLE`, also for a body that is not a list. */
  openArgs(body: unknown, encoded: boolean): readonly unknown[]
}
