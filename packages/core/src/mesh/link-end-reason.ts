/** Why a link is over. The first eight can end a link that was up, the others only one that never came up. */
export type LinkEndReason =
  /** The connection was lost, or the peer closed it. */
  | 'closed'
  /** The peer said goodbye. All its frames had come. */
  | 'goodbye'
  /** Nothing came from the peer for `deadMs`. */
  | 'heartbeat'
  /** The peer said a newer hello: it regards this link as dead. */
  | 'superseded'
  /** The peer sent what the protocol does not allow. */
  | 'protocol'
  /** The peer does not read what must not be lost. */
  | 'overloaded'
  /** We stopped. */
  | 'stopped'
  /** Nobody used it: we said goodbye. */
  | 'idle'
  /** The handshake took too long. */
  | 'timeout'
  /** One side refused the other. */
  | 'refused'
  /** It was not needed: another link to the peer exists or won. */
  | 'dropped'
