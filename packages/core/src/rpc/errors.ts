import { RuntimeError } from '../base/runtime-error.ts'
import { errorFromData, isErrorData } from '../base/error-data.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { NodeId } from '../actor/pid.ts'
import type { Attempt } from '../actor/rpc-report.ts'
import type { Failure, Outcome } from '../actor/signal.ts'

/** Every way in which a region call fails. The table with outcomes and cures is docs/errors.md. */
export type RpcErrorCode =
  | 'ERR_BAD_REGION'
  | 'ERR_BAD_OPTIONS'
  | 'ERR_NO_NODE_IN_REGION'
  | 'ERR_NO_PROCEDURE'
  | 'ERR_NOT_ENCODABLE'
  | 'ERR_FRAME_TOO_LARGE'
  | 'ERR_OVERLOADED'
  | 'ERR_NODE_UNREACHABLE'
  | 'ERR_NOT_READY'
  | 'ERR_DRAINING'
  | 'ERR_NOT_ALLOWED'
  | 'ERR_NOT_PRIMARY'
  | 'ERR_INVALID_INPUT'
  | 'ERR_NOT_DECODABLE'
  | 'ERR_PROCESS_START'
  | 'ERR_REMOTE_ERROR'
  | 'ERR_REMOTE_EXIT'
  | 'ERR_INVALID_OUTPUT'
  | 'ERR_RESULT_NOT_ENCODABLE'
  | 'ERR_RESULT_GONE'
  | 'ERR_RPC_TIMEOUT'
  | 'ERR_RPC_ABORTED'
  | 'ERR_NODE_LOST'
  | 'ERR_NODE_STOPPED'
  | 'ERR_STREAM_SILENT'

export interface RpcErrorWhere {
  readonly procedure: string
  readonly node: NodeId | undefined
  readonly region: string | undefined
  readonly attempts: readonly Attempt[]
}

/**
 * Why a call by region gave no result. `outcome` is what is known of the procedure: `'not-run'` it certainly did not
 * begin; `'ran'` it began and has ended, perhaps half-way; `'unknown'` nobody here can tell.
 */
export class RpcError extends RuntimeError {
  declare readonly code: RpcErrorCode
  readonly outcome: Outcome
  readonly procedure: string
  /** The node that was last tried, if one was. */
  readonly node: NodeId | undefined
  readonly region: string | undefined
  /** The nodes that it was sent to, in order, and what each said; of a call that waits the last 32. */
  readonly attempts: readonly Attempt[]
  /** The exit reason of the remote process, where it ended without an answer. */
  readonly reason: ExitReason | undefined

  constructor(failure: Failure, where: RpcErrorWhere) {
    super(failure.code, messageOf(failure, where), causeOf(failure))
    this.outcome = failure.outcome
    this.procedure = where.procedure
    this.node = where.node
    this.region = where.region
    this.attempts = where.attempts
    this.reason = failure.reason
  }

  /** The stack of the error that the procedure threw, as the remote node recorded it. */
  get remoteStack(): string | undefined {
    return this.cause instanceof Error ? this.cause.stack : undefined
  }
}

/** What was given as a procedure is none: `wrong` says how. */
export function noProcedureGiven(procedure: unknown, wrong: string): RpcError {
  const failure: Failure = { code: 'ERR_BAD_OPTIONS', outcome: 'not-run', message: wrong }
  return new RpcError(failure, { procedure: typeof procedure, node: undefined, region: undefined, attempts: [] })
}

/** An error that ended the process is a cause as well, as it is for a `CallError`. */
function causeOf({ cause, reason }: Failure): { cause: Error } | undefined {
  if (cause !== undefined) return { cause: errorFromData(cause) }
  return isErrorData(reason) ? { cause: errorFromData(reason) } : undefined
}

function messageOf(failure: Failure, where: RpcErrorWhere): string {
  const at = where.node === undefined ? '' : ` on ${where.region ?? 'node'} (${where.node})`
  return `${where.procedure}${at}: ${failure.message} [${failure.outcome}]`
}
