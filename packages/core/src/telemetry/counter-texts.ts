import type { CounterName, LinkCounterName } from './node-totals.ts'

/** What each counter of a node counts, for those who read it elsewhere. */
export const counterTexts: Readonly<Record<CounterName, string>> = {
  deadLetters: 'Messages and casts to an actor that does not exist any more',
  mailboxDrops: 'Messages and casts to a full mailbox',
  mailboxRefusals: 'Calls refused by a full mailbox',
  afterExit: 'Verbs used by an actor after its end',
  errorsAfterExit: 'Errors thrown by a handler that resumed after its actor ended',
  lateReplies: 'Answers that came after the call was over, and items of a stream that nobody reads any more',
  refusedSignals: 'Signals from another node to an actor that takes none',
  streamBreaches:
    'Streams that were ended because items came that nobody had asked for, one was missing, or more credit came than a window has',
  overloads: 'Calls by region that were refused or given back because of too much work',
  notAllowed: 'Calls by region whose procedure does not allow their caller',
  replays: 'Calls with an idempotency key that were given the outcome of an earlier call with that key.',
  recordsIgnored: 'Records of nodes, and accusations, that were not believed, or for which there was no room',
  linksRefused: 'Links that peers opened and that were refused: another cluster or version, or too many',
  meshDrops: 'Messages to the mesh that were not read or not answered: their peer told or asked too much',
  signatureChecks: 'Signatures of records and accusations from peers that were checked',
  undecodable: 'Bodies from elsewhere that could not be decoded',
  transportDrops:
    'Messages that the transport dropped: forged, repeated, malformed, too many, too large or heard by nobody',
  transportRefusals: 'Connections, streams and links that others opened and the transport did not take',
  transportLosses: 'Messages that were lost on the way between nodes, as far as the transport knows',
  castsNotRun: 'Casts by region that were not run',
  unsent: 'Messages to another thread or node that could not be sent',
  crashes: 'Actors that ended by an error of their own',
  restarts: 'Restarts by supervisors',
  stuckThreads: 'Pool threads that were replaced because an actor blocked them',
}

/** The same of its links. */
export const linkCounterTexts: Readonly<Record<LinkCounterName, string>> = {
  dials: 'Dials begun',
  dialsFailed: 'Dials that came to nothing',
  linksUp: 'Links that came up',
  linksDown: 'Links that were up and ended',
  linksDropped:
    'Raw links that were not needed: to this node itself, or to a peer that has a link or a hello on its way',
  linksRejected: 'Accepted links that were closed because too many were in the handshake',
  helloRefusals: 'Hellos that were refused, by either side',
  duplicateRefusals: 'Hellos that were refused as duplicates',
  handshakeTimeouts: 'Handshakes that took too long',
  protocolErrors: 'Links that ended because the peer broke the protocol',
  heartbeatDeaths: 'Links that ended because nothing was heard on them',
  suspicions: 'Silences of peers that made them suspected',
  lateBeats: 'Beats that came so late that nobody was accused on them',
  framesSent: 'Frames sent',
  framesReceived: 'Frames received',
  framesNoLink: 'Frames that were not sent, as there was no link',
  framesTooLarge: 'Frames that were not sent, as they were too large',
  framesOverloaded: 'Frames that found no room in what waits for the peer',
  framesLost: 'Frames that waited here when their link ended',
  largeFramesSent: 'Frames sent in parts',
  largeFramesReceived: 'Frames received in parts',
  framesHeld: 'Small frames that waited for a large one before them',
  framesLate: 'Frames that came on a link that was given up',
  controlsSent: 'Control messages sent',
  controlsReceived: 'Control messages received',
  controlsNoLink: 'Control messages to a node without a link',
  controlsUnsent: 'Control messages that were not sent: too much that waits for the peer, or too large',
  controlPauses: 'Pauses of the control lane of a peer, as more came than is read',
  controlsDropped: 'Control messages that came in spite of that and were not read',
  pingsSkipped: 'Pings that were not sent behind a full buffer',
  pongsSkipped: 'Pongs that were not sent behind a full buffer',
  addressesDropped: 'Addresses that were not kept: too many, too long, or replaced by newer ones',
}

/** `deadLetters` as `dead_letters`. */
export function snakeCase(name: CounterName | LinkCounterName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
