import type { Fault } from '../fault/fault.ts'

/** One node of a simulated cluster. Its name is also its node id: `syd-1`, `syd-2`, `lax-1`. */
export interface SimNodeSpec {
  readonly name: string
  readonly region: string
}

/**
 * Everything that decides one run, as plain data: the same case and the same code give the same run. A seed is resolved
 * into a case up front; a shrunk case is a smaller one.
 */
export interface SimCase {
  /** Decides every draw that is not written out below. A safe integer from 0. */
  readonly seed: number
  readonly nodes: readonly SimNodeSpec[]
  /** How long the run takes, in virtual milliseconds, the healing phase included. */
  readonly durationMs: number
  /** When every fault is over and the cluster must get on. Default: `durationMs`, so never. */
  readonly safetyMs?: number
  readonly faults: readonly Fault[]
  /** How many clients the workload is given; `undefined`: as many as it asks for. */
  readonly clientsMax?: number
  /** The operations to leave out, as `client/number`, both from 0: `'3/17'`. */
  readonly skippedOps?: readonly string[]
  /** Whether latency varies from message to message. Default `true`. */
  readonly jitter?: boolean
  /** Whether turns of equal time are shuffled. Default `'shuffle'`. */
  readonly order?: 'fifo' | 'shuffle'
}
