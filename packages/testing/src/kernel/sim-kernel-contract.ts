import type { TraceKind } from '../trace/trace-event.ts'

/**
 * What can be paused, slowed and killed as a whole: one thread of one life of a node, or the simulation itself. After
 * `kill` nothing that was scheduled for it runs any more.
 */
export interface Unit {
  readonly node: string
  readonly alive: boolean
}

/** Something due at a moment. Cancelling twice, or after it ran, does nothing. */
export interface Scheduled {
  cancel(): void
}

/** What the trace and the hash are told of an event. `digest` is any 32 bits that sum up its payload. */
export interface EventFacts {
  readonly peer?: string
  /** Called only when a trace is kept, and then when the run is over: it must not read what changes. */
  readonly msg?: () => string
  readonly digest?: number
  /** The trace index of what caused it; default: the event that runs now. */
  readonly cause?: number
  /** Of a fault: until when it lasts, in virtual microseconds. */
  readonly until?: number
}

/** Virtual time and the order of everything. One event runs, all that follows from it settles, then the next one runs. */
export interface Kernel {
  /** Virtual microseconds since the start, an integer. */
  readonly nowUs: number
  /** The unit whose event runs now. */
  readonly current: Unit
  /**
   * Runs `run` at `atUs` (rounded up to a whole microsecond; not before now), on `unit`, later if the unit is paused or busy,
   * never if it is dead. Events of equal time run in the order in which they were scheduled.
   */
  schedule(unit: Unit, atUs: number, kind: TraceKind, run: () => void, facts?: EventFacts): Scheduled
  /** Notes something that happened now. Returns its index, for `cause`. */
  note(unit: Unit, kind: TraceKind, facts?: EventFacts): number
  /**
   * Draw number `n` for a purpose: 32 bits that depend on the seed, `purpose` and `n` only. For high rates: get `purpose`
   * once from {@link purpose}.
   */
  draw(purpose: number, n: number): number
  /** The key of a purpose such as `latency/syd-1/lax-1`. */
  purpose(name: string): number
}
