/** What one thread of a node dropped or could not use. Nothing is lost without a number here. */
export interface KernelCounters {
  /** Messages and casts to an actor that does not exist (any more). */
  deadLetters: number
  /** Messages and casts to a full mailbox. */
  mailboxDrops: number
  /** Calls refused by a full mailbox; their callers know. */
  mailboxRefusals: number
  /** Verbs used by an actor after its end. */
  afterExit: number
  /** Errors thrown by a handler that resumed after its actor's end. */
  errorsAfterExit: number
  /** Answers that came after the call was over, and items of a stream that nobody reads any more. */
  lateReplies: number
  /** Signals from another node to an actor that takes none. */
  refusedSignals: number
  /** Streams that were ended because items came that nobody had asked for, one was missing, or more credit came than a window has. */
  streamBreaches: number
  /** Calls by region that this node refused, or gave back from its queues, because it has as much work as it takes. */
  overloads: number
  /** Calls by region whose procedure does not allow their caller. */
  notAllowed: number
  /** Calls with an idempotency key that were given the outcome of an earlier call with that key. */
  replays: number
  /** Records of nodes, and accusations, that were not believed, or for which there was no room. */
  recordsIgnored: number
  /**
   * Links that peers opened and this node refused: of another cluster or version, while too many of theirs were in the handshake, or one after the other in a
   * short time. Those that cross each other when two nodes dial at once are not counted.
   */
  linksRefused: number
  /**
   * What peers told or asked the mesh beyond what it reads and answers: the next comparison makes up for it, unless it was meant to do
   * harm.
   */
  meshDrops: number
  /** Signatures of records and accusations from peers that were checked. Nothing was lost: it shows what they cost. */
  signatureChecks: number
  /** Bodies from elsewhere that could not be decoded. */
  undecodable: number
  /**
   * Messages that the transport dropped: forged, repeated, malformed, more than it looks at, too large for what it stands on, or of a topic that
   * nobody here listens to.
   */
  transportDrops: number
  /**
   * Connections, streams and links that others opened and the transport did not take: without the secret, of an identity that is none, too
   * many, or never whole. Also those that their dialler gave up half-way.
   */
  transportRefusals: number
  /**
   * Messages that were lost on the way, as far as the transport knows: a gap in what a peer sent, and a connection to a server that broke,
   * which counts one. Each ends the links that it is about.
   */
  transportLosses: number
  /** Requests by `rpcCast` that were not sent from here, or were refused here: nobody was told. */
  castsNotRun: number
  /** Messages to another thread or node that could not be sent: no connection, too large, too much waiting. */
  unsent: number
  /** Actors that ended by an error of their own. */
  crashes: number
  /** Restarts by supervisors. */
  restarts: number
  /** Pool threads that were replaced because an actor blocked them. */
  stuckThreads: number
}

export function newKernelCounters(): KernelCounters {
  return {
    deadLetters: 0,
    mailboxDrops: 0,
    mailboxRefusals: 0,
    afterExit: 0,
    errorsAfterExit: 0,
    lateReplies: 0,
    refusedSignals: 0,
    streamBreaches: 0,
    overloads: 0,
    notAllowed: 0,
    replays: 0,
    recordsIgnored: 0,
    linksRefused: 0,
    meshDrops: 0,
    signatureChecks: 0,
    undecodable: 0,
    transportDrops: 0,
    transportRefusals: 0,
    transportLosses: 0,
    castsNotRun: 0,
    unsent: 0,
    crashes: 0,
    restarts: 0,
    stuckThreads: 0,
  }
}
