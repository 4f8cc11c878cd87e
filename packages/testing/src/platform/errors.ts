import { RuntimeError } from '@skerry/core'

export type TestingErrorCode =
  /** A manual platform has no threads. */
  | 'ERR_NO_THREADS'
  /** More timers ran in one advance than the bound allows: probably one that sets itself again with no delay. */
  | 'ERR_TOO_MANY_TIMERS'
  /** More turns ran than the bound allows: probably actors that keep each other busy without end. */
  | 'ERR_TOO_MANY_TURNS'
  /** Ticks and microtasks kept coming beyond the bound. */
  | 'ERR_NOT_SETTLED'
  /** This version of Node runs ticks and microtasks in a way that the simulation does not know how to settle. */
  | 'ERR_DRAIN_UNSOUND'
  /** Fake timers are installed: they and the simulation would each think that time is theirs. */
  | 'ERR_FAKE_TIMERS'
  /** User code did something that the simulation can't decide, such as real I/O. */
  | 'ERR_ESCAPED'
  /** The definition of a simulation can't be: no node, a primary region without one. */
  | 'ERR_BAD_SIMULATION'
  /** A fault of a simulation is impossible: before its start, or at a place that it does not have. */
  | 'ERR_BAD_FAULT'
  /** The app has no child of that id to replace. */
  | 'ERR_NO_SUCH_CHILD'
  /** The simulated cluster has no node of that name. */
  | 'ERR_NO_SUCH_NODE'
  /** The simulated node is down. */
  | 'ERR_NODE_DOWN'
  /** The node of a client ended before its answer came: what was asked may have been done. */
  | 'ERR_CLIENT_LOST'
  /** What a workload waited for did not come within its time. */
  | 'ERR_NOT_UNTIL'
  /** A simulation found a failure: the message is the report. */
  | 'ERR_SIMULATION_FAILED'
  /** A setting of the runner, of its command line or of `SIM_…` in the environment, can't be. */
  | 'ERR_BAD_OPTION'
  /** A saved case can't be read. */
  | 'ERR_BAD_CASE'
  /** A trace can't be read: the message names the line. */
  | 'ERR_BAD_TRACE'

/** What the testing platform reports when a run goes beyond its bounds. */
export class TestingError extends RuntimeError {
  declare readonly code: TestingErrorCode

  constructor(code: TestingErrorCode, message: string) {
    super(code, message)
  }
}
