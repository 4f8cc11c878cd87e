import type { ErrorData } from '../base/error-data.ts'
import type { LinkClosed, NodeId, TransportStarted, Uncarried } from '../mesh/transport.ts'

/** What the thread of a transport is started with. */
export interface IoBoot {
  /** The transport's module and factory, with options that leave nothing to chance. */
  readonly module: string
  readonly export: string
  readonly options: unknown
  /** See io-words.ts. */
  readonly words: Int32Array
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** A link as it crosses to main: its number, and what the transport knows of the peer. */
export interface IoLink {
  readonly number: number
  readonly peer: NodeId
  readonly roles: readonly string[]
  readonly regions: readonly string[] | undefined
}

/** What main tells the transport's thread, beside frames. */
export type ToIo =
  | { readonly type: 'dial'; readonly dial: number; readonly address: string; readonly expect: NodeId | undefined }
  | { readonly type: 'abandon'; readonly dial: number }
  | { readonly type: 'close'; readonly link: number; readonly reason: string }
  | { readonly type: 'answerPings'; readonly link: number }
  | { readonly type: 'leastRtt'; readonly link: number; readonly ms: number }
  | { readonly type: 'subscribe'; readonly topic: string }
  | { readonly type: 'publish'; readonly topic: string; readonly record: Uint8Array }
  /** So many accepted links, log entries and bytes of records were read: there is room for as many more. */
  | { readonly type: 'read'; readonly accepted: number; readonly logged: number; readonly recordBytes: number }
  | { readonly type: 'stop' }

/** What the transport's thread tells main, beside frames. */
export type FromIo =
  | { readonly type: 'started'; readonly started: TransportStarted }
  | { readonly type: 'startFailed'; readonly error: ErrorData }
  | { readonly type: 'found' | 'offered' | 'withdrawn'; readonly address: string }
  | { readonly type: 'accepted'; readonly link: IoLink }
  | { readonly type: 'dialled'; readonly dial: number; readonly link: IoLink }
  | { readonly type: 'dialFailed'; readonly dial: number; readonly error: ErrorData }
  | { readonly type: 'closed'; readonly link: number; readonly closed: LinkClosed }
  | { readonly type: 'record'; readonly topic: string; readonly via: NodeId; readonly record: Uint8Array }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
  | { readonly type: 'publishedBytes'; readonly bytes: number }
  /** Since it was last said, at most ten times a second. */
  | { readonly type: 'uncarried'; readonly counts: Readonly<Record<Uncarried, number>> }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | { readonly type: 'stopped' }

/** How many accepted links main may not have read yet. A further one is closed at once. */
export const acceptedUnreadMax = 256
/** How many log entries main may not have read yet. Further ones are dropped, and the next one says how many. */
export const loggedUnreadMax = 1_024
/** How many bytes of records the other side may not have read yet, either way. Further records are dropped: they are hints. */
export const recordBytesUnreadMax: number = 4 * 1024 * 1024

/** How many bytes of frames of one lane the other thread may not have taken yet. */
export const laneWindowBytes: number = 256 * 1024
/**
 * The same of the control lane toward main: while main is stuck the heartbeat goes on only as long as this lane is read, so what
 * the mesh says meanwhile must not fill it soon.
 */
export const controlWindowBytes: number = 4 * 1024 * 1024
/** What a frame costs in a window beside its bytes, so that a flood of empty frames is bounded too. */
export const frameOverheadBytes = 16
