import type { Outcome } from '../actor/signal.ts'
import { RuntimeError } from '../base/runtime-error.ts'

export type RegionErrorCode =
  /** A region's name, or a target made of such names, is not valid. */
  | 'ERR_BAD_REGION'
  /** No node that could be asked is up in the region. Another moment, or another region, may have one. */
  | 'ERR_NO_NODE_IN_REGION'
  /** The region's nodes are up, but none serves the procedure at a version that the caller accepts. */
  | 'ERR_NO_PROCEDURE'
  /** What was waited for did not show up in the region table in time. */
  | 'ERR_REGION_TIMEOUT'
  /** What waited was aborted by its signal. */
  | 'ERR_WAIT_ABORTED'
  /** Options of a wait that can't be. */
  | 'ERR_BAD_OPTIONS'
  /** The node was stopped while plain code waited for a region. */
  | 'ERR_NODE_STOPPED'
  /** Another region is the primary than the one that was to be. */
  | 'ERR_PRIMARY_OUTBID'
  /** The region table's slots can't hold even a table without nodes. */
  | 'ERR_TABLE_TOO_SMALL'

/** What is wrong with a region, or with what was wanted there. */
export class RegionError extends RuntimeError {
  declare readonly code: RegionErrorCode

  constructor(code: RegionErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
  }
}

/** `setPrimaryRegion` did not make its region the primary: another one is. */
export class PrimaryError extends RegionError {
  declare readonly code: 'ERR_PRIMARY_OUTBID'
  /** `'not-run'`: nothing was announced. `'ran'`: it was, and another announcement wins against it on every node. */
  readonly outcome: Outcome
  /** The region that won. */
  readonly primaryRegion: string
  readonly primaryEpoch: number

  constructor(region: string, outcome: Outcome, won: { readonly region: string; readonly epoch: number }) {
    const message = `The primary region is "${won.region}" as of epoch ${won.epoch}, and not "${region}" [${outcome}]`
    super('ERR_PRIMARY_OUTBID', message)
    this.outcome = outcome
    this.primaryRegion = won.region
    this.primaryEpoch = won.epoch
  }
}
