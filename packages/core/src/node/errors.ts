import { RuntimeError } from '../base/runtime-error.ts'

export type NodeErrorCode =
  /** `startNode` on a thread that belongs to a node. */
  | 'ERR_NODE_IN_THREAD'
  /** A region, or an option of `startNode`, that can't be. */
  | 'ERR_BAD_CONFIG'
  /** The transport's module can't be loaded or makes no transport. */
  | 'ERR_TRANSPORT_LOAD'
  /** The app's tree did not start. */
  | 'ERR_APP_START'
  /** The node is stopped. */
  | 'ERR_NODE_STOPPED'
/** A region did not come up within the time given. */

/** What goes wrong with a node as a whole. */
export class NodeError extends RuntimeError {
  declare readonly code: NodeErrorCode

  constructor(code: NodeErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
  }
}
