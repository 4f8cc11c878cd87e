import type { ShortValue } from '../codec/short-values.ts'
import { type ErrorData, isWholeErrorData } from '../base/error-data.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import type { TraceContext } from '../platform/trace-context.ts'
import { type ExitReason, isReadableReason } from './exit-reason.ts'
import type { HeldLetter } from './letter-count.ts'
import type { NodeId, Pid } from './pid.ts'

/**
 * Everything that travels between actors. A `Router` carries a signal one hop: same thread, other thread, other node.
 * The names are the Erlang manual's; `call`, `cast` and `reply` are its GenServer messages made visible, because they
 * take a short way (a reply never sees a mailbox); `spawn` and `cancel` are the two ends of a remote process's life.
 *
 * A body (`message`, `args`, `value`) is opaque here: with `encoded` it holds a codec's bytes, which are decoded only on
 * the thread where the handler runs.
 */
export type Signal =
  | MessageSignal
  | CastSignal
  | CallSignal
  | ReplySignal
  | LinkSignal
  | UnlinkSignal
  | ExitSignal
  | MonitorSignal
  | DemonitorSignal
  | DownSignal
  | SpawnSignal
  | CancelSignal
  | StreamSignal

export interface MessageSignal {
  readonly type: 'message'
  readonly to: Pid
  readonly message: unknown
  readonly encoded: boolean
  readonly held?: HeldLetter
}

export interface CastSignal {
  readonly type: 'cast'
  readonly to: Pid
  readonly name: string
  readonly args: unknown
  readonly encoded: boolean
  readonly held?: HeldLetter
}

export interface CallSignal {
  readonly type: 'call'
  readonly to: Pid
  readonly from: Pid
  /** Identifies the call among those that `from`'s thread has open. */
  readonly ref: number
  readonly name: string
  /** The place of the caller's work in a trace. */
  readonly trace?: TraceContext | undefined
  readonly args: unknown
  readonly encoded: boolean
  readonly held?: HeldLetter
}

export interface ReplySignal {
  readonly type: 'reply'
  readonly to: Pid
  readonly ref: number
  readonly result: ReplyResult
  /** The node that it came from, if it came from another: only the one that was asked may answer. */
  readonly via?: NodeId
  /** Of a call by region that carried a trace: how long it waited and ran. */
  readonly served?: ServedTimes
}

export type ReplyResult =
  | {
      readonly ok: true
      readonly value: unknown
      readonly encoded: boolean
      /** What the procedure committed, as its database names it. */
      readonly token?: string | undefined
    }
  | { readonly ok: false; readonly failure: Failure }

/** What is known of work that did not give its result. */
export type Outcome = 'not-run' | 'unknown' | 'ran'

/** A failure as plain data: which decision it leaves to the caller, and what is known of the work. */
export interface Failure {
  readonly code: string
  readonly outcome: Outcome
  readonly message: string
  readonly reason?: ExitReason
  readonly cause?: ErrorData
  /** With `ERR_NOT_PRIMARY`: the epoch of the primary region that the node knows. */
  readonly primaryEpoch?: number
}

/** What a peer sent as a failure, which may be anything. What is none becomes `ERR_NOT_DECODABLE`. */
export function failureFrom(value: unknown): Failure {
  if (isFailure(value)) return value
  return { code: 'ERR_NOT_DECODABLE', outcome: 'unknown', message: 'The answer is a failure that can not be read' }
}

function isFailure(value: unknown): value is Failure {
  if (typeof value !== 'object' || value === null) return false
  const { code, outcome, message, reason, cause, primaryEpoch } = value as Partial<Failure>
  if (typeof code !== 'string' || typeof message !== 'string') return false
  if (outcome !== 'not-run' && outcome !== 'unknown' && outcome !== 'ran') return false
  if (primaryEpoch !== undefined && !Number.isSafeInteger(primaryEpoch)) return false
  return isReadableReason(reason) && (cause === undefined || isWholeErrorData(cause))
}

export interface LinkSignal {
  readonly type: 'link'
  readonly from: Pid
  readonly to: Pid
}

export interface UnlinkSignal {
  readonly type: 'unlink'
  readonly from: Pid
  readonly to: Pid
}

export interface ExitSignal {
  readonly type: 'exit'
  readonly from: Pid
  readonly to: Pid
  readonly reason: ExitReason
  /** Sent because a linked actor ended, and so void if the link is gone; otherwise somebody asked for it. */
  readonly viaLink: boolean
}

export interface MonitorSignal {
  readonly type: 'monitor'
  readonly from: Pid
  readonly to: Pid
  readonly ref: number
}

export interface DemonitorSignal {
  readonly type: 'demonitor'
  readonly from: Pid
  readonly to: Pid
  readonly ref: number
}

export interface DownSignal {
  readonly type: 'down'
  readonly from: Pid
  readonly to: Pid
  readonly ref: number
  readonly reason: ExitReason
}

/** Asks the node of `to` (its serial is 0: the node itself) to run a procedure in a process linked to the call `from`. */
export interface SpawnSignal {
  readonly type: 'spawn'
  readonly from: Pid
  readonly to: Pid
  /** Whose call it is, where `from` only stands in for it. It never comes from another node. */
  readonly caller?: Pid
  readonly request: SpawnRequest
}

export interface SpawnRequest {
  readonly procedure: string
  readonly version: number
  /** Milliseconds left when the request was sent. The server counts from its arrival. */
  readonly timeLeftMs: number
  readonly idempotencyKey: string | undefined
  /** Where the caller's node is, and what it may act as: of another node, what its link says and not what it claims. */
  readonly callerRegion: string
  readonly callerRoles?: readonly string[] | undefined
  /** Gone on the node where it runs once the procedure has it and takes long: what waits keeps nothing alive. */
  input: Body
  /** Nobody waits for an answer, and nobody's end ends the process. */
  readonly isCast?: boolean
  /** The place of the caller's work in a trace. */
  readonly trace?: TraceContext | undefined
  /** Its items are wanted as they come. */
  readonly stream?: StreamRequest
}

/** An argument of a call by region: the codec's bytes, or a short value as it is. */
export type Body = Uint8Array | ShortValue

/** The call `from` is over for its caller: the work that it asked the node of `to` for must end. */
export interface CancelSignal {
  readonly type: 'cancel'
  readonly from: Pid
  readonly to: Pid
  readonly reason: ExitReason
}

/** What a stream's caller asks for. */
export interface StreamRequest {
  /** The items, and their bytes, that each end may send before the other has read any of them. */
  readonly items: number
  readonly bytes: number
  /** How long each end may say nothing at all, in milliseconds. */
  readonly silentMs: number
  /** The caller sends items as well. */
  readonly hasIncoming: boolean
}

/** What the two ends of a stream say to each other: a call's address and that of its process's end. */
export type StreamSignal = ItemSignal | CreditSignal | ItemsEndSignal

export interface ItemSignal {
  readonly type: 'item'
  readonly from: Pid
  readonly to: Pid
  /** Counts from 0 in each direction. */
  readonly seq: number
  /** The codec's bytes. */
  readonly item: Uint8Array
}

/**
 * So many more may be sent. None: a sign of life. The first one of a process that gives any says that its work begins, and tells
 * the call its address.
 */
export interface CreditSignal {
  readonly type: 'credit'
  readonly from: Pid
  readonly to: Pid
  readonly items: number
  readonly bytes: number
}

/** From a call: it sends no more items. From a process: it reads no more. */
export interface ItemsEndSignal {
  readonly type: 'itemsEnd'
  readonly from: Pid
  readonly to: Pid
}
