import type { DiscoverySource } from '../discovery/source.ts'
import type { Transport, TransportSpec } from '../mesh/transport.ts'
import type { Log } from '../platform/log.ts'
import type { Platform } from '../platform/platform.ts'
import type { IdempotencyLimits } from '../rpc/idempotency-window.ts'
import type { LoadLimits } from '../rpc/load-limits.ts'
import type { Replica } from '../rpc/replica-watch.ts'
import type { WatchdogOptions } from './watchdog.ts'

/** What `startNode` takes. All have defaults; some of those come from the environment. */
export interface NodeOptions {
  /**
   * Default: the in-memory one, alone. A function makes one that only this thread can use. One that does not say on which `thread` it
   * runs does so where `SKERRY_TRANSPORT_THREAD` says, `own` or `main`, else on main.
   */
  readonly transport?: TransportSpec | (() => Transport)
  /** Default: `FLY_REGION`, then `MY_REGION`, else `"local"`. */
  readonly region?: string
  /** Default: `PRIMARY_REGION`, else `"local"`. */
  readonly primaryRegion?: string
  /** Nodes of different clusters refuse each other. Default: the transport's `cluster` option, else the app's name. */
  readonly cluster?: string
  /**
   * Where to look for other nodes, beside the transport's seeds: `dnsDiscovery`, `flyDiscovery`, `kubernetesDiscovery`, or
   * sources of your own. They are asked again and again; one that fails is logged and never fatal. Default: what
   * `SKERRY_DISCOVERY` says, else none.
   */
  readonly discovery?: readonly DiscoverySource[]
  /** How long `stop` lets running calls of others finish, in milliseconds. Default 5,000. */
  readonly drainMs?: number
  /**
   * Which of the app's actors take signals of other nodes. `'sentOut'`: those whose Pid this node has sent to another, in a
   * message, a result, or as the sender of a link, monitor or exit, and those whose spec says `remote: 'members'`; to all others
   * it is as if the actor were not there. `'members'`: all of them, in a cluster whose members trust each other with
   * every actor. Default `'sentOut'`.
   */
  readonly remoteSignals?: 'sentOut' | 'members'
  /** How much work for callers this node takes: calls that run, that wait for their turn, and of one peer. */
  readonly load?: Partial<LoadLimits>
  /** How long and how much this node remembers of what it did under idempotency keys. */
  readonly idempotency?: Partial<IdempotencyLimits>
  /**
   * The signals to this process, such as `['SIGTERM', 'SIGINT']`, at the first of which the node stops as by `stop`. The
   * process ends when nothing else keeps it alive; a second signal ends it at once. Default: none, and no handler is
   * installed. Ignored where `platform` has no process.
   */
  readonly stopOn?: readonly NodeJS.Signals[]
  /**
   * The largest message between nodes, and argument, result or item of a call by region, also to this node itself, in bytes as
   * encoded, from 1 KiB to 256 MiB. Default 64 MiB. What is larger is not sent: a call fails with `ERR_FRAME_TOO_LARGE`, a message is counted and dropped. What a peer may
   * have under way to us is at most twice this, so it bounds the memory of each link. Above 128 KiB a value travels in
   * parts, beside the others.
   */
  readonly bodyBytesMax?: number
  /**
   * The old-generation heap that each thread of its own may fill, in MiB, from 16. A thread that needs more ends with
   * `ERR_WORKER_OUT_OF_MEMORY`, and nobody else does; memory outside of the heap does not count. Default: Node's, which
   * depends on the machine's memory. Ignored where `platform` is given.
   */
  readonly threadHeapMb?: number
  /**
   * Threads that are started ahead, from 0 to 16, once another thread was first used: the next actor on a thread of its
   * own, or the next thread of the pool, need not wait for one to boot. Each takes some 10 MB. Default 1. Ignored where
   * `platform` is given.
   */
  readonly spareThreads?: number
  /**
   * Whether what actors of one thread hand over to each other, messages, arguments and answers, is deep-frozen, so that
   * code which goes on changing it throws a `TypeError` at that line. For development: it takes time, and actors on other
   * threads get copies anyway. Default: where `NODE_ENV` is `development` or `test`. Ignored where `platform` is given.
   */
  readonly freezeMessages?: boolean
  /**
   * The URL of a module that each other thread of this node imports before it runs anything: where it starts what belongs on every
   * thread, such as OpenTelemetry. Awaited, with what it awaits; one that throws ends its thread, as one that is lost while it
   * boots. It must be JavaScript that Node loads by itself, and not call `startNode`. Default: none. Ignored where
   * `platform` is given.
   *
   * @example
   * await startNode(shop, { threadSetup: new URL('./telemetry.js', import.meta.url) })
   */
  readonly threadSetup?: string | URL
  /** The threads that actors of the placements `'pool'` and `{ pool: key }` share. */
  readonly threadPool?: ThreadPoolOptions
  /**
   * Watches the thread that calls `startNode`: says on standard error which actor blocks it, and can end the process.
   * Default: none, as it takes a thread of its own (some 10 MB). Ignored where `platform` is given.
   */
  readonly watchdog?: WatchdogOptions
  /** The database's replica beside this node, for `caughtUp` and `rpcAndWait`. Default: none. */
  readonly replica?: Replica
  /** Default: one line an entry to standard error, from `warn` up. Ignored where `platform` is given. */
  readonly log?: Log
  /** The world that the node lives in. Default: the real one. */
  readonly platform?: Platform
}

export interface ThreadPoolOptions {
  /** From 1 to 64. Each thread starts when it is first used. Default: as many as can run at the same time. */
  readonly size?: number
  /**
   * How long a thread may give no sign of life, in milliseconds, from 50, before it is replaced: the actor that blocks it
   * ends with `ERR_THREAD_BLOCKED`, the others with `threadlost`, and their supervisors decide. An actor that was sent a
   * kill and keeps its thread from reading it is not waited for that long. Default 5,000.
   */
  readonly blockedMs?: number
}
