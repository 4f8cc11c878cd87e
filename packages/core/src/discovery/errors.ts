import { RuntimeError } from '../base/runtime-error.ts'

export type DiscoveryErrorCode =
  /** An option of a source that can't be. */
  | 'ERR_BAD_DISCOVERY'
  /** A source could not say who is there. Only logged and counted: it is asked again. */
  | 'ERR_DISCOVERY_FAILED'

/** What goes wrong when nodes look for each other. */
export class DiscoveryError extends RuntimeError {
  declare readonly code: DiscoveryErrorCode

  constructor(code: DiscoveryErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
  }
}
