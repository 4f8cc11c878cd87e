/** How much work for callers a node takes. Every default and every constant of its queues stands in this file. */
export interface LoadLimits {
  /** Calls that run at a time. Default 10,000. */
  readonly inFlightMax: number
  /** Calls that wait for their turn, over all procedures. Default 10,000. */
  readonly waitingMax: number
  /** Calls of one node, this one too, that run or wait. Default 10,000: half of what all together may have. */
  readonly perPeerMax: number
  /**
   * What the inputs of all calls of other nodes that run or wait count, encoded, in bytes; and as much again what waits in the mailboxes of
   * actors. Inputs and messages of at most 1 KiB don't count: their numbers are bounded. A node that holds none takes one of any size.
   * An input whose process runs counts what it became, too: 64 bytes for each array and object, 192 for each Map, Set, Date, typed array,
   * URL and Error, 16 for each item, key and value; not where that is at most 4 KiB. Each other thread counts what became of the inputs of its own
   * processes. Default 256 MiB.
   */
  readonly bytesMax: number
  /** The same of one other node. Default 64 MiB. */
  readonly perPeerBytesMax: number
}

const mebi = 1024 * 1024

export const loadLimitsDefault: LoadLimits = {
  inFlightMax: 10_000,
  waitingMax: 10_000,
  perPeerMax: 10_000,
  bytesMax: 256 * mebi,
  perPeerBytesMax: 64 * mebi,
}

/** What a decoded input takes is not counted up to here, in bytes: most take less, and the number of calls is bounded. */
export const uncountedCostMax = 4_096

/** The limits of one procedure, from its definition. */
export interface ProcedureLimits {
  /** Calls of it that run at a time on a node. Default: as many as the node takes. */
  readonly maxInFlight: number
  /** Calls of it that wait for their turn on a node. Default 1,000. */
  readonly maxWaiting: number
}

export const procedureLimitsDefault: ProcedureLimits = { maxInFlight: Infinity, maxWaiting: 1_000 }

/**
 * Calls that were let in and whose process has not been started. What a busy thread can't get to waits in front of this,
 * where the order can still be chosen, and not in the queue of turns, where it is first come, first served.
 */
export const startingMax = 32

/**
 * A thread that catches up with what came while it was busy begins when this part of a procedure's queue is full: a block of 64 KB
 * may bring 600 more calls.
 */
export const crowdedPart = 0.25

/** A queue whose oldest call has waited for more than this part of the time that it may stands: the newest go first. */
export const patientPart = 0.5

/** A queue in which a call's time for waiting was over stands for this long, in milliseconds. */
export const standingMs = 100

/** The part of the time it has left that a call may wait; the rest is for its work, here or on another node. */
export const waitPart = 0.5

/** How often waiting calls are looked over, in milliseconds, while there are any. */
export const lookOverMs = 10
