import { bodyBytesMaxDefault } from '../codec/limits.ts'

/** How links behave. Times in milliseconds. The defaults stand in {@link defaultPeerLinkSettings} only. */
export interface PeerLinkSettings {
  /** How long a new link may take from raw connection to accept. */
  readonly handshakeTimeoutMs: number
  /** How often each peer is pinged. */
  readonly heartbeatMs: number
  /** After this long without anything from a peer it is suspected. */
  readonly silentMs: number
  /** After this long its link is closed. */
  readonly deadMs: number
  /** Whether time in which this node did not run counts for nobody's silence. For benches only: see docs/membership.md. */
  readonly forgivesPauses: boolean
  /** A peer whose main thread has given no sign of life for this long, by what the thread of its transport says, is routed around. */
  readonly stuckMs: number
  /** How long a raw dial may take. */
  readonly dialTimeoutMs: number
  /** How long the node with the larger id waits for the other's dial, and a dialler refused as duplicate for the other link. Up to half of it is added by chance. */
  readonly otherSideDialMs: number
  /** The bound of the first redial's delay, and of any later one. */
  readonly redialFirstMs: number
  readonly redialMaxMs: number
  /** A link that was up this long starts the redial delays afresh. */
  readonly stableMs: number
  /** How long a link that we said goodbye on, or refused, may stay open for the peer to close it. */
  readonly goodbyeMs: number
  /**
   * Bytes queued per lane of a peer while the transport's own buffer is full; and bytes of small frames that the peer has
   * to hold behind large ones, to keep their order. Beyond it: `'overloaded'`; urgent frames (`EXIT`, `DOWN`,
   * cancellations) go on up to twice as much, and then the link ends.
   */
  readonly backlogBytesMax: number
  /**
   * The largest value (a message, arguments, a result) between nodes, in encoded bytes. A peer tells it in its greeting,
   * and is sent nothing larger: `'too-large'`.
   */
  readonly bodyBytesMax: number
  /**
   * Control messages (pings, pongs, and what mesh actors tell each other; each counts once more for each 4 KiB) that are read of a peer at
   * once, and in a second from then on. Who sends more is read more slowly.
   */
  readonly controlsAtOnce: number
  readonly controlsPerSecond: number
  /** Frames above this, or above the transport's own maximum, travel in parts on the bulk lane. */
  readonly bulkFrameBytes: number
  /** How many bytes one part carries, at most. */
  readonly bulkPartBytes: number
  /** How long the next part waits while small frames pass on the link: a time for them, on both ends. */
  readonly bulkGiveWayMs: number
  /** Bytes of large frames that wait or are being sent, for one peer. Beyond it: `'overloaded'`; one is always taken. */
  readonly bulkQueueBytesMax: number
  /** Large frames to one peer that it has not handed on yet. Beyond it: `'overloaded'`. */
  readonly bulkOpenMax: number
  /** Dials and handshakes of ours at a time. Further ones wait in turn. */
  readonly dialsMax: number
  /** Known addresses, seeds included. A further one is not kept, and counted. */
  readonly addressesMax: number
  /** Addresses of one learned peer. A further one replaces the oldest. */
  readonly addressesPerPeerMax: number
  /** Accepted links that have not said a valid hello yet, or are being closed. A further one is closed at once. */
  readonly greetingLinksMax: number
  /** The same of one peer. */
  readonly greetingLinksPerPeerMax: number
  /** Hellos of one peer that are taken at once, and in a second from then on. A further one is refused. */
  readonly hellosAtOnce: number
  readonly hellosPerSecond: number
  /** Links that are up. A further hello is refused, and no further one is said. May be exceeded by `dialsMax`. */
  readonly linksMax: number
}

export const defaultPeerLinkSettings: PeerLinkSettings = {
  handshakeTimeoutMs: 5_000,
  heartbeatMs: 450,
  silentMs: 1_200,
  deadMs: 4_000,
  forgivesPauses: true,
  stuckMs: 2_000,
  dialTimeoutMs: 10_000,
  otherSideDialMs: 1_000,
  redialFirstMs: 100,
  redialMaxMs: 5_000,
  stableMs: 5_000,
  goodbyeMs: 500,
  backlogBytesMax: 8 * 1024 * 1024,
  bodyBytesMax: bodyBytesMaxDefault,
  controlsAtOnce: 4_096,
  controlsPerSecond: 1_000,
  bulkFrameBytes: 128 * 1024,
  bulkPartBytes: 60 * 1024,
  bulkGiveWayMs: 1,
  bulkQueueBytesMax: 256 * 1024 * 1024,
  bulkOpenMax: 1_024,
  dialsMax: 16,
  addressesMax: 10_000,
  addressesPerPeerMax: 8,
  greetingLinksMax: 256,
  greetingLinksPerPeerMax: 16,
  hellosAtOnce: 64,
  hellosPerSecond: 2,
  linksMax: 4_096,
}

/** What happened on all links since `start`. Only ever goes up. */
export interface PeerLinkCounters {
  dials: number
  dialsFailed: number
  linksUp: number
  linksDown: number
  /** Raw links that we did not need: to ourselves, or to a peer that already has a link or a hello on its way. */
  linksDropped: number
  /** Accepted links closed because too many, or too many of that peer, were in the handshake. */
  linksRejected: number
  helloRefusals: number
  duplicateRefusals: number
  handshakeTimeouts: number
  protocolErrors: number
  heartbeatDeaths: number
  suspicions: number
  /** Beats that came so late that nobody was accused on them. */
  lateBeats: number
  framesSent: number
  framesReceived: number
  framesNoLink: number
  framesTooLarge: number
  framesOverloaded: number
  /** Frames that were queued here when their link ended. */
  framesLost: number
  /** Of `framesSent` and `framesReceived`: those that travelled in parts. */
  largeFramesSent: number
  largeFramesReceived: number
  /** Small frames that were held until a large one before them was whole. */
  framesHeld: number
  /** Frames that arrived on a link that we had given up. */
  framesLate: number
  controlsSent: number
  controlsReceived: number
  /** Control messages to a node without a link, such as news for a neighbour that is being dialled. */
  controlsNoLink: number
  /** Control messages that were not sent: too much that waits for the peer, or too large. */
  controlsUnsent: number
  /** How often the control lane of a peer was paused, as more came than is read. */
  controlPauses: number
  /** Control messages that came in spite of that, and were not read. */
  controlsDropped: number
  pingsSkipped: number
  pongsSkipped: number
  /** Addresses not kept: too many, too long, or replaced by newer ones. */
  addressesDropped: number
}

export function zeroPeerLinkCounters(): PeerLinkCounters {
  return {
    dials: 0,
    dialsFailed: 0,
    linksUp: 0,
    linksDown: 0,
    linksDropped: 0,
    linksRejected: 0,
    helloRefusals: 0,
    duplicateRefusals: 0,
    handshakeTimeouts: 0,
    protocolErrors: 0,
    heartbeatDeaths: 0,
    suspicions: 0,
    lateBeats: 0,
    framesSent: 0,
    framesReceived: 0,
    framesNoLink: 0,
    framesTooLarge: 0,
    framesOverloaded: 0,
    framesLost: 0,
    largeFramesSent: 0,
    largeFramesReceived: 0,
    framesHeld: 0,
    framesLate: 0,
    controlsSent: 0,
    controlsReceived: 0,
    controlsNoLink: 0,
    controlsUnsent: 0,
    controlPauses: 0,
    controlsDropped: 0,
    pingsSkipped: 0,
    pongsSkipped: 0,
    addressesDropped: 0,
  }
}
