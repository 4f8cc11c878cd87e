import type { NodeId } from './transport.ts'

/** One life of one node. */
export interface PeerRef {
  readonly node: NodeId
  readonly life: number
}

/** A peer that a link is up to, as its greeting described it. */
export interface Peer extends PeerRef {
  readonly region: string
  /** As its transport authenticated it. */
  readonly roles: readonly string[]
  readonly addresses: readonly string[]
}

/** What the heartbeats of a peer showed. */
export interface Measured {
  /** The smoothed round-trip time; `undefined` until the first pong. */
  readonly rttMs: number | undefined
  /** As in {@link NodeLoad}; `undefined` until the peer's first ping or pong. */
  readonly load: number | undefined
  readonly inFlight: number | undefined
  /** Its main thread has given no sign of life for `stuckMs`. */
  readonly isStuck: boolean
  /** What its mesh actor understands. */
  readonly meshVersion: number
}

/** A peer and its link, at one moment. */
export interface PeerState extends Peer, Measured {
  readonly suspected: boolean
  /** The number of our own hello or accept on this link, which no other link of this life has. */
  readonly epoch: number
  /** The same number of the peer. */
  readonly peerEpoch: number
}
