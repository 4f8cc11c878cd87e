/** Nodes by name (`syd-1`), whole regions (`syd`), or everyone else (`'rest'`). */
export type Place = string

/**
 * Something that goes wrong, as plain data: made up front from a seed, printed, replayed, edited and shrunk. Times are
 * virtual milliseconds since the start of the run; `forMs` is how long it lasts.
 */
export type Fault = Partition | Flap | Crash | RegionLoss | Pause | Slow | Clog | Loss | Reset | Skew | ThreadLoss

interface Timed {
  readonly atMs: number
  readonly forMs: number
}

/** Nothing gets through. Streams stall (and go on after it, if nobody closed them meanwhile); datagrams are lost. */
export interface Partition extends Timed {
  readonly kind: 'partition'
  readonly from: readonly Place[]
  readonly to: readonly Place[]
  /** Only what goes from `from` to `to` is stopped. */
  readonly oneWay: boolean
}

/** A partition that comes and goes: cut for `cutMs`, open for `openMs`, and so on while it lasts. */
export interface Flap extends Timed {
  readonly kind: 'flap'
  readonly from: readonly Place[]
  readonly to: readonly Place[]
  readonly cutMs: number
  readonly openMs: number
}

/** The node's process ends without a word and boots again, as a new life, `forMs` later. */
export interface Crash extends Timed {
  readonly kind: 'crash'
  readonly node: string
  /** What of its files is left: all, all that was synced, that and a torn last append, or nothing. */
  readonly files: 'keep' | 'loseUnsynced' | 'torn' | 'lose'
  /** Whether its peers are told at once (a process that dies: the kernel resets its sockets), or nobody is (a host). */
  readonly silent: boolean
}

/** Every node of the region crashes at once, silently. */
export interface RegionLoss extends Timed {
  readonly kind: 'regionLoss'
  readonly region: string
}

/** The process stands still, as under SIGSTOP or a long garbage collection; what arrives waits. */
export interface Pause extends Timed {
  readonly kind: 'pause'
  readonly node: string
}

/** Each turn, timer and arrival of the node takes `turnUs` microseconds of its time. */
export interface Slow extends Timed {
  readonly kind: 'slow'
  readonly node: string
  readonly turnUs: number
}

/** A path gets slower by `extraMs` each way. */
export interface Clog extends Timed {
  readonly kind: 'clog'
  readonly from: readonly Place[]
  readonly to: readonly Place[]
  readonly extraMs: number
}

/** Datagrams are lost, duplicated and reordered with these chances (0 to 1); a stream pays a retransmission for a loss. */
export interface Loss extends Timed {
  readonly kind: 'loss'
  readonly from: readonly Place[]
  readonly to: readonly Place[]
  readonly loss: number
  readonly duplicate: number
  readonly reorder: number
}

/** Connections between the two break at this moment. `halfOpen`: only `from` notices. */
export interface Reset {
  readonly kind: 'reset'
  readonly atMs: number
  readonly from: readonly Place[]
  readonly to: readonly Place[]
  readonly halfOpen: boolean
}

/** The node's wall clock jumps by `jumpMs` (either way) and then drifts by `driftPpm` while it lasts; afterwards it is right again. */
export interface Skew extends Timed {
  readonly kind: 'skew'
  readonly node: string
  readonly jumpMs: number
  readonly driftPpm: number
}

/** One of the node's threads of their own, if it has any, dies. `pick` chooses which, modulo their number. */
export interface ThreadLoss {
  readonly kind: 'threadLoss'
  readonly atMs: number
  readonly node: string
  readonly pick: number
}

export type FaultKind = Fault['kind']
