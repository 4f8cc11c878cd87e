import type { ErrorData } from '../base/error-data.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'

/** What a thread is started with. */
export interface ThreadBoot {
  readonly node: NodeId
  readonly life: number
  readonly thread: number
  /** The module and the behavior in it that the thread's actor runs. */
  readonly module: string
  readonly behavior: string
  readonly args: readonly unknown[]
  readonly parent: Pid | undefined
  readonly links: readonly Pid[]
  readonly names: readonly (readonly [string, Pid])[]
  readonly regionTable: SharedArrayBuffer
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** How many messages the sender of this has read since it last said so. Both sides say it. */
export interface ReadReceipt {
  readonly type: 'read'
  readonly count: number
}

/** Everything that main says to a thread. */
export type ToThread =
  | { readonly type: 'signal'; readonly signal: Signal }
  | { readonly type: 'name'; readonly name: string; readonly pid: Pid | undefined }
  | { readonly type: 'registered'; readonly ref: number; readonly error: ErrorData | undefined }
  | { readonly type: 'peerLost'; readonly lost: LostPeer; readonly reason: ExitReason }
  /** Answered by the same: all that was said before it has been read. */
  | { readonly type: 'echo' }

/** Everything that a thread says to main. */
export type FromThread =
  | { readonly type: 'signal'; readonly signal: Signal }
  | { readonly type: 'started' }
  | { readonly type: 'echo' }
  /** `ran`: there was an actor, whose init failed and which said the rest itself; otherwise the module did not load. */
  | { readonly type: 'startFailed'; readonly error: ErrorData; readonly reason: ExitReason; readonly ran: boolean }
  /** An actor of the thread ended. It precedes the signals that tell others so, since its names must be free by then. */
  | { readonly type: 'ended'; readonly pid: Pid; readonly reason: ExitReason }
  | { readonly type: 'register'; readonly ref: number; readonly name: string; readonly pid: Pid }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
