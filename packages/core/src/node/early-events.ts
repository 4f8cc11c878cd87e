import type { LinkEndReason } from '../mesh/link-end-reason.ts'
import type { LinkRefusal, PeerLinksEvents } from '../mesh/peer-links-events.ts'
import type { Peer, PeerRef } from '../mesh/peer.ts'
import type { FrameRecord, NodeId, Uncarried } from '../mesh/transport.ts'

/** What links tell, all of it. */
export type LinkEvents = Required<PeerLinksEvents>

/**
 * What links tell a node that starts: they may come up before its transport has said who it is, and before its own actors are there.
 * Until `begin` it waits, in order; its bound is the time that these take, milliseconds. Afterwards, and after `drop`, it goes straight on.
 * `refused` is told at once as well: a node that does not start should say who refused it.
 *
 * @example
 * const early = new EarlyEvents((node, refusal) => log.warn({ node, ...refusal }, 'a link was refused'))
 * const links = createPeerLinks({ …, on: early })
 * early.begin(linkEvents({ … }))
 */
export class EarlyEvents implements LinkEvents {
  readonly #refused: (node: NodeId, refusal: LinkRefusal) => void
  #events: LinkEvents | undefined
  #waiting: ((events: LinkEvents) => void)[] = []

  constructor(refused: (node: NodeId, refusal: LinkRefusal) => void) {
    this.#refused = refused
  }

  /** Tells what waited, with what comes meanwhile behind it, and from then on the rest as it comes. */
  begin(events: LinkEvents): void {
    for (const tell of this.#waiting) tell(events)
    this.drop(events)
  }

  /** The same for a node that does not start: of what waited it is told nothing. */
  drop(events: LinkEvents): void {
    this.#waiting = []
    this.#events = events
  }

  // Of frames there are many: the closures of those that wait are apart, as a function that may make one pays for it at every call.

  frame(peer: PeerRef, frame: Uint8Array): void {
    if (this.#events !== undefined) this.#events.frame(peer, frame)
    else this.#holdFrame(peer, frame)
  }

  #holdFrame(peer: PeerRef, frame: Uint8Array): void {
    this.#waiting.push((events) => events.frame(peer, frame))
  }

  frameWithin(peer: PeerRef, bytes: Uint8Array, at: number, end: number): boolean {
    if (this.#events !== undefined) return this.#events.frameWithin(peer, bytes, at, end)
    this.#holdFrameWithin(peer, bytes, at, end)
    return false
  }

  #holdFrameWithin(peer: PeerRef, bytes: Uint8Array, at: number, end: number): void {
    this.#waiting.push((events) => void events.frameWithin(peer, bytes, at, end))
  }

  record(peer: PeerRef, record: FrameRecord): void {
    if (this.#events !== undefined) this.#events.record(peer, record)
    else this.#holdRecord(peer, record)
  }

  #holdRecord(peer: PeerRef, record: FrameRecord): void {
    this.#waiting.push((events) => events.record(peer, record))
  }

  control(peer: PeerRef, bytes: Uint8Array): void {
    this.#tell((events) => events.control(peer, bytes))
  }

  up(peer: Peer): void {
    this.#tell((events) => events.up(peer))
  }

  down(peer: PeerRef, reason: LinkEndReason, detail: string): void {
    this.#tell((events) => events.down(peer, reason, detail))
  }

  suspect(peer: PeerRef): void {
    this.#tell((events) => events.suspect(peer))
  }

  trusted(peer: PeerRef): void {
    this.#tell((events) => events.trusted(peer))
  }

  room(peer: PeerRef): void {
    this.#tell((events) => events.room(peer))
  }

  stuck(peer: PeerRef): void {
    this.#tell((events) => events.stuck(peer))
  }

  failed(error: Error): void {
    this.#tell((events) => events.failed(error))
  }

  uncarried(how: Uncarried, count: number): void {
    this.#tell((events) => events.uncarried(how, count))
  }

  refused(node: NodeId, refusal: LinkRefusal): void {
    this.#refused(node, refusal)
    this.#tell((events) => events.refused(node, refusal))
  }

  unreached(node: NodeId): void {
    this.#tell((events) => events.unreached(node))
  }

  #tell(tell: (events: LinkEvents) => void): void {
    if (this.#events === undefined) this.#waiting.push(tell)
    else tell(this.#events)
  }
}
