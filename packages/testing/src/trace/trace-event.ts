/**
 * What a trace event tells.
 *
 * - Run by the simulation: `turn` (an actor or a link did something), `timer`, `recv` (a frame arrived), `boot`, `step`
 *   (the workload went on).
 * - Noted while one of those ran: `send`, `drop` (a frame that will not arrive; `msg` says why), `open` and `close` (of a
 *   connection), `spawn`, `exit`, `crash`, `stop`, `fault` (one begins), `heal` (one ends), `assert` (an invariant or a
 *   property failed), `op` (an operation of a client was invoked or returned), `log`.
 */
export type TraceKind =
  | 'turn'
  | 'timer'
  | 'recv'
  | 'boot'
  | 'step'
  | 'send'
  | 'drop'
  | 'open'
  | 'close'
  | 'spawn'
  | 'exit'
  | 'crash'
  | 'stop'
  | 'fault'
  | 'heal'
  | 'assert'
  | 'op'
  | 'log'

/** One line of a trace. Plain data; in canonical JSONL its keys stand in this order. */
export interface TraceEvent {
  /** Its index in the run, from 0. */
  readonly i: number
  /** Virtual microseconds since the start of the run, an integer. */
  readonly t: number
  /** The node's name, such as `syd-1`; empty for what the simulation itself does. */
  readonly node: string
  readonly kind: TraceKind
  /** The index of the event that led to this one: of the `send` for a `recv`, of who set it for a `timer`. -1: none. */
  readonly cause: number
  /** The other node, of `send`, `recv`, `drop`, `open` and `close`. */
  readonly peer?: string
  /** A caption in plain words, such as `call db.insert` or `ERR_NODE_LOST`. */
  readonly msg?: string
  /** Of `fault`: until when it lasts, in virtual microseconds. */
  readonly until?: number
}

/** What stands before the events: which run this was. The first line of the JSONL. */
export interface TraceHeader {
  readonly name: string
  readonly seed: number
  /** Every node and its region, in the order in which they were made. */
  readonly nodes: readonly { readonly name: string; readonly region: string }[]
  readonly durationUs: number
  /** Eight to sixteen hexadecimal digits: equal for equal runs. */
  readonly hash: string
  /** The line that replays the run. */
  readonly replay: string
  /** Which invariant failed, if one did, and when. */
  readonly failure?: { readonly invariant: string; readonly message: string; readonly t: number; readonly i: number }
}

export interface Trace {
  readonly header: TraceHeader
  readonly events: readonly TraceEvent[]
}
