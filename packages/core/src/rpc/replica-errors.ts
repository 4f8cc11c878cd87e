import type { Replicated } from '../actor/remote-replica.ts'
import { RuntimeError } from '../base/runtime-error.ts'

export type ReplicaErrorCode =
  /** The node has no `replica`. */
  | 'ERR_NO_REPLICA'
  /** No token can be that. */
  | 'ERR_BAD_TOKEN'
  /** Options of a wait that can't be; nothing was sent. */
  | 'ERR_BAD_OPTIONS'
  /** The wait was aborted by its signal. */
  | 'ERR_WAIT_ABORTED'
  /** As many wait as may. */
  | 'ERR_OVERLOADED'
  /** The replica could not be asked; the cause says why. */
  | 'ERR_REPLICA_FAILED'
  | 'ERR_NODE_STOPPED'

/** Why nobody can tell whether the local replica has a write. The write itself is not touched by it. */
export class ReplicaError extends RuntimeError {
  declare readonly code: ReplicaErrorCode
  /** Of `rpcAndWait`: what the call gave, if it was answered. */
  readonly written: Replicated<unknown> | undefined

  constructor(
    code: ReplicaErrorCode,
    message: string,
    { cause, written }: { readonly cause?: unknown; readonly written?: Replicated<unknown> | undefined } = {},
  ) {
    super(code, message, cause === undefined ? {} : { cause })
    this.written = written
  }
}
