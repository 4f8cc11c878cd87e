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

/** What the testing platform reports when a run goes beyond its bounds. */
export class TestingError extends RuntimeError {
  declare readonly code: TestingErrorCode

  constructor(code: TestingErrorCode, message: string) {
    super(code, message)
  }
}
