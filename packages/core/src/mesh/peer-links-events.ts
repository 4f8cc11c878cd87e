import type { LinkEndReason } from './link-end-reason.ts'
import type { Peer, PeerRef } from './peer.ts'
import type { FrameRecord, NodeId, Uncarried } from './transport.ts'

/** Why a peer and we have no link, beyond duplicates, which sort themselves out. */
export interface LinkRefusal {
  readonly by: 'us' | 'peer'
  /** `ERR_WRONG_CLUSTER`, `ERR_PROTOCOL_VERSION`, `ERR_WRONG_PEER`, `ERR_TOO_MANY_LINKS`, or what a newer peer says. */
  readonly code: string
  readonly text: string
}

/** All are called in the order in which things happened, and must not throw. They may call any verb. */
export interface PeerLinksEvents {
  /** Frames and controls may be sent, and will come, from now on. Never twice for a node without `down` between. */
  up(peer: Peer): void
  /** Exactly once for each `up`. What was sent and not yet delivered may be lost. */
  down(peer: PeerRef, reason: LinkEndReason, detail: string): void
  /** In the order in which the peer sent those of one order key. The bytes belong to the receiver. */
  frame(peer: PeerRef, frame: Uint8Array): void
  /**
   * The same for a frame that are the bytes from `at` to `end`, as all do that need not wait: a view of them would cost as much as
   * reading them. Gives back whether nobody reads them any more. Default: `frame` gets that view.
   */
  frameWithin?(peer: PeerRef, bytes: Uint8Array, at: number, end: number): boolean
  /** A signal that came as it is, in order with frames. Who listens for none is sent none that would be missed. */
  record?(peer: PeerRef, record: FrameRecord): void
  /** In their own order, which is not that of frames. */
  control(peer: PeerRef, bytes: Uint8Array): void
  /** The peer has been silent for `silentMs`. Its link is still up. Followed by `trusted` or `down`. */
  suspect(peer: PeerRef): void
  trusted(peer: PeerRef): void
  /** A frame to the peer was `overloaded`, and there may be room by now. */
  room?(peer: PeerRef): void
  /** The main thread of a peer gives no sign of life, or does so again: see `measured`. Its link is well. */
  stuck?(peer: PeerRef): void
  /** The transport is over for good. */
  failed?(error: Error): void
  /** See `TransportHost.uncarried`. */
  uncarried?(how: Uncarried, count: number): void
  refused(node: NodeId, refusal: LinkRefusal): void
  /** A dial to a node that was learned failed. It goes on until the node is forgotten. */
  unreached?(node: NodeId): void
}
