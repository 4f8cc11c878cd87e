import type { HeldBytesLimits } from '../base/held-bytes.ts'
import type { ErrorData } from '../base/error-data.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { KernelStats } from '../actor/kernel-stats.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { NodeDownMessage, NodeUpMessage } from '../actor/mailbox.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'
import type { MeasuredSeries } from '../platform/call-measures.ts'
import type { BehaviorHead } from '../actor/thread-starter.ts'
import type { BlockWords } from './block-words.ts'

/** What a thread is started with. */
export interface ThreadBoot {
  readonly node: NodeId
  readonly life: number
  readonly thread: number
  readonly bodyBytesMax: number
  readonly names: readonly NameChange[]
  /** The nodes that are up. */
  readonly nodes: readonly NodeUpMessage[]
  readonly regionTable: SharedArrayBuffer
  readonly threadTable: SharedArrayBuffer
  readonly begunMarks: SharedArrayBuffer | undefined
  /** What the decoded inputs of remote processes may take there. */
  readonly inputs: HeldBytesLimits
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A pool's thread: its slot, and where it shows whether it is stuck. */
  readonly pool: PoolBoot | undefined
  /** The actor of a thread of its own. */
  readonly root: PlacedActor | undefined
  /** What is to be measured of its calls. */
  readonly measures: readonly MeasureOrder[]
}

/** A collector wants the calls of the node measured. */
export interface MeasureOrder {
  readonly ref: number
  /** The upper bounds of durations, in seconds, ascending. */
  readonly buckets: readonly number[]
}

export interface PoolBoot {
  readonly slot: number
  readonly blockWords: BlockWords
  /** How often it should give a sign of life, in milliseconds. */
  readonly beatMs: number
}

/** An actor that another thread places here. */
export interface PlacedActor {
  readonly serial: number
  /** The thread that waits to hear how its start went. */
  readonly starter: number
  readonly behavior: BehaviorHead & { readonly module: string }
  readonly args: readonly unknown[]
  readonly parent: Pid | undefined
  readonly links: readonly Pid[]
  readonly name: string | undefined
  /** Whether it must still be given that name. */
  readonly register: boolean
}

/** How a start went, for the thread that asked for it. */
export interface Begun {
  readonly type: 'begun'
  readonly thread: number
  readonly serial: number
  readonly failure?: StartFailure
}

export interface StartFailure {
  readonly error: ErrorData
  readonly reason: ExitReason
  /** `false`: nothing of it ran. */
  readonly ran: boolean
  /** There was no actor that could tell its links of its end. */
  readonly stillborn: boolean
}

/** How many messages the sender of this has read since it last said so. Both sides say it. */
export interface ReadReceipt {
  readonly type: 'read'
  readonly count: number
}

/** What threads say to each other on their direct ways, in both directions. */
export type PeerMessage =
  { readonly type: 'signal'; readonly signal: Signal } | { readonly type: 'begin'; readonly actor: PlacedActor } | Begun

/** Who has a name from now on, and how many partitions of it are in use, if it has any. */
export interface NameChange {
  readonly type: 'name'
  readonly name: string
  readonly pid: Pid | undefined
  readonly partitions: number | undefined
}

/** Everything that main says to a thread. */
export type ToThread =
  | PeerMessage
  | NameChange
  | { readonly type: 'registered'; readonly ref: number; readonly error: ErrorData | undefined }
  | NodeUpMessage
  /** Behind the loss of its links and monitors. */
  | NodeDownMessage
  /** A node was lost. */
  | { readonly type: 'peerLost'; readonly lost: LostPeer; readonly reason: ExitReason }
  | ThreadDown
  /** The other end of a way that this thread opened. */
  | { readonly type: 'connect'; readonly thread: number; readonly other: unknown }
  /** The region table was: whoever waits for it may look again. */
  | { readonly type: 'tableWritten' }
  /** Answered by the same: all that was said before it has been read. */
  | { readonly type: 'echo' }
  /** Answered by `stats`. */
  | { readonly type: 'inspect'; readonly ref: number }
  /** From now on, by `measured` for each series that begins. */
  | { readonly type: 'measure'; readonly order: MeasureOrder }
  | { readonly type: 'unmeasure'; readonly ref: number }

/** A thread is gone. What it said on direct ways may still come. */
export interface ThreadDown {
  readonly type: 'threadDown'
  readonly thread: number
  /** The actor that ended for `reason`; the others for `others`. */
  readonly serial: number
  readonly reason: ExitReason
  readonly others: ExitReason
}

/** Answered by `registered`. */
export interface NameRequest {
  readonly type: 'register'
  readonly ref: number
  readonly name: string
  readonly pid: Pid
  readonly partitions: number | undefined
}

/** Everything that a thread says to main. */
export type FromThread =
  | PeerMessage
  /** Asks for a thread of its own of that number. */
  | { readonly type: 'start'; readonly thread: number; readonly actor: PlacedActor }
  /** Takes the other end of a way to the thread there. */
  | { readonly type: 'connect'; readonly thread: number; readonly other: unknown }
  /** That actor may be sent signals by other nodes. It precedes what tells them of it. */
  | { readonly type: 'sentOut'; readonly pid: Pid }
  /** That pool actor was sent a kill, which its thread may be unable to read. */
  | { readonly type: 'killing'; readonly pid: Pid }
  /** That thread's actor was told that its parent has ended, which the thread may be unable to read. */
  | { readonly type: 'orphaned'; readonly pid: Pid }
  | { readonly type: 'echo' }
  /** What of the letters of that node wait here no more, in bytes. */
  | { readonly type: 'lettersGone'; readonly node: NodeId; readonly bytes: number }
  | { readonly type: 'stats'; readonly ref: number; readonly stats: KernelStats }
  | { readonly type: 'measured'; readonly ref: number; readonly series: MeasuredSeries }
  /** An actor of the thread ended that has names, or is its root. It precedes the signals that tell others so. */
  | { readonly type: 'ended'; readonly pid: Pid; readonly reason: ExitReason }
  /** Its root has ended, and all that it said was posted, to every other thread too: it may be taken away. */
  | { readonly type: 'farewell' }
  | NameRequest
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
