import { RuntimeError } from '../base/runtime-error.ts'

export type TransportErrorCode =
  /** Nobody answered at the address, or the connection broke while it was set up. */
  | 'ERR_DIAL_FAILED'
  /** The node at the address is not the one expected. */
  | 'ERR_WRONG_PEER'
  /** The address leads to this node itself. It is not dialled again. */
  | 'ERR_OWN_ADDRESS'
  /** The peer refused us, or we it: a wrong cluster secret, or an identity that is not allowed. */
  | 'ERR_PEER_REFUSED'
  /** A frame larger than the transport's `maxFrameBytes`. Nothing of it was sent. */
  | 'ERR_FRAME_TOO_LARGE'
  /** The transport can't start: an address in use, a bad option. */
  | 'ERR_TRANSPORT_START'
  /** The thread that the transport runs on ended, though nobody stopped it. Its links are closed. */
  | 'ERR_TRANSPORT_THREAD_LOST'
  /** The transport was stopped. */
  | 'ERR_TRANSPORT_STOPPED'

/** What a transport reports. */
export class TransportError extends RuntimeError {
  declare readonly code: TransportErrorCode

  constructor(code: TransportErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
  }
}
