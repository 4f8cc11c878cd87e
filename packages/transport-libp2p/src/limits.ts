/** What a peer may take of a node, in both lines of libp2p. */

/** With larger windows, small frames wait behind a bulk stream of the same connection: 165 ms instead of 1.5 ms on a short link. */
export const streamWindowBytes: number = 256 * 1024
/** Of a lane on a long link: `window-size.ts`. */
export const streamWindowBytesMax: number = 4 * 1024 * 1024
/** Streams of one connection, in each direction. */
export const streamsMax = 256
/** For the negotiation of one stream. */
export const negotiationMs = 5000

export const connectionLimits = {
  maxConnections: 1200,
  // The default of 5 a second from one address refuses a cluster that starts behind one NAT or on one machine.
  inboundConnectionThreshold: 1000,
  maxIncomingPendingConnections: 256,
  inboundUpgradeTimeout: 5000,
}
