import { assert } from '../base/assert.ts'
import { deferred, type Deferred } from '../base/deferred.ts'
import type { Clock } from '../platform/clock.ts'
import { sometimes } from '../platform/property.ts'
import type { DialTarget } from './dial-target.ts'
import type { DialOutcome } from './dialer.ts'
import { judgeGreeting, judgeHello } from './link-decision.ts'
import { type Greeting, protocolVersion, protocolVersionMin } from './link-message.ts'
import { meshVersion } from './mesh-message.ts'
import { PeerEpochs } from './peer-epochs.ts'
import type { PeerLink } from './peer-link.ts'
import type { PeerLinkCounters, PeerLinkSettings } from './peer-link-settings.ts'
import type { LinkRefusal } from './peer-links-events.ts'
import { NodeRates } from './record-rate.ts'
import type { NodeId } from './transport.ts'

/** What this node says of itself. Its id and addresses come from the transport. Texts of at most 256 bytes. */
export interface LocalNode {
  /** New at every boot: a safe integer from 0. */
  readonly life: number
  readonly cluster: string
  readonly region: string
}

/** As much of a {@link PeerLink} as its handshake needs. */
export type HandshakeLink = Pick<
  PeerLink,
  'accept' | 'end' | 'handOnEarly' | 'isGreeting' | 'listen' | 'open' | 'peer' | 'refuse' | 'regions' | 'sayHello'
>

export interface HandshakesOptions<Link> {
  readonly self: LocalNode
  readonly settings: Pick<
    PeerLinkSettings,
    'greetingLinksMax' | 'greetingLinksPerPeerMax' | 'hellosAtOnce' | 'hellosPerSecond' | 'linksMax'
  >
  readonly counters: Pick<PeerLinkCounters, 'duplicateRefusals' | 'helloRefusals' | 'linksDropped'>
  /** The largest frame that this node takes. */
  readonly frameBytesMax: number
  readonly clock: Pick<Clock, 'monotonic'>
  /** Those that are up. */
  readonly links: ReadonlyMap<NodeId, Link>
  /** Whether this node stops: then no link comes up any more. */
  readonly isStopping: () => boolean
  /** The handshake is over, and the link is up. */
  readonly up: (link: Link) => void
  /** How the handshake that a dial led to ended otherwise. */
  readonly settled: (target: DialTarget, outcome: DialOutcome) => void
  readonly refused: (node: NodeId, refusal: LinkRefusal) => void
}

/**
 * The links that are not up: in their handshake, or waiting for the peer to close them. Decides, by {@link judgeHello}, which of them comes up,
 * so that there is one for each peer. At most `greetingLinksMax` that peers dialled, and `greetingLinksPerPeerMax` of each; of those that we
 * dialled, one for each peer. A peer that comes and goes more often than `hellosPerSecond` is refused.
 */
export class Handshakes<Link extends HandshakeLink> {
  readonly #options: HandshakesOptions<Link>
  /** Links on which our hello waits for its answer. At most one a peer. */
  readonly #helloSent = new Map<NodeId, { link: Link; target: DialTarget }>()
  /** Accepted links before their hello, and any link that waits for the peer to close it. */
  readonly #unsettled = new Set<Link>()
  readonly #latest: PeerEpochs
  readonly #hellos: NodeRates
  /** Hellos that came before the transport told us who we are. */
  #hellosBeforeStart: (() => void)[] = []
  #self: { readonly node: NodeId; readonly cluster: string; readonly addresses: readonly string[] } | undefined
  #epoch = 0
  #allEnded: Deferred<void> | undefined

  constructor(options: HandshakesOptions<Link>) {
    this.#options = options
    this.#latest = new PeerEpochs((node) => options.links.has(node))
    const { hellosAtOnce, hellosPerSecond, linksMax } = options.settings
    this.#hellos = new NodeRates({ burst: hellosAtOnce, perSecond: hellosPerSecond }, linksMax)
  }

  /** The transport has said who we are: what came before is judged. */
  start(node: NodeId, addresses: readonly string[]): void {
    this.#self = { node, cluster: this.#options.self.cluster, addresses }
    for (const judge of this.#hellosBeforeStart.splice(0)) judge()
  }

  /** Ends those that are in their handshake. */
  stop(): void {
    for (const { link } of [...this.#helloSent.values()]) link.end('dropped', 'stopping')
    for (const link of [...this.#unsettled]) if (link.isGreeting) link.end('dropped', 'stopping')
  }

  /** Resolves when no link waits for its peer to close it. */
  async allEnded(): Promise<void> {
    if (this.#unsettled.size === 0) return
    this.#allEnded ??= deferred()
    await this.#allEnded.promise
  }

  /** Whether no further link of this peer may begin its handshake. */
  isFullFor(peer: NodeId): boolean {
    const { greetingLinksMax, greetingLinksPerPeerMax } = this.#options.settings
    if (this.#unsettled.size >= greetingLinksMax) return true
    let its = 0
    for (const link of this.#unsettled) if (link.peer === peer) its += 1
    return its >= greetingLinksPerPeerMax
  }

  /** Whether a hello of ours to this node waits for its answer. */
  isGreeting(node: NodeId): boolean {
    return this.#helloSent.has(node)
  }

  /** A peer dialled: its hello should come. */
  accepted(link: Link): void {
    this.#unsettled.add(link)
    link.listen()
  }

  /** We dialled: says hello. */
  dialled(link: Link, target: DialTarget): void {
    this.#helloSent.set(link.peer, { link, target })
    link.listen()
    if (link.isGreeting) link.sayHello(this.#greeting())
  }

  /** A link that was up waits for the peer to close it. */
  leaving(link: Link): void {
    this.#unsettled.add(link)
  }

  ended(link: Link): void {
    this.#unsettled.delete(link)
    if (this.#unsettled.size === 0) this.#allEnded?.resolve()
    this.#settle(link, 'failed')
  }

  /** The peer's hello, on a link that it dialled. */
  hello(link: Link, hello: Greeting): void {
    const self = this.#self
    if (self === undefined) {
      this.#hellosBeforeStart.push(() => {
        if (link.isGreeting) this.hello(link, hello)
      })
      return
    }
    const { clock, counters, links, settings, isStopping, up } = this.#options
    if (link.peer === self.node) {
      counters.linksDropped += 1
      link.end('dropped', 'this is ourselves')
      return
    }
    const pending = this.#helloSent.get(link.peer)
    const old = links.get(link.peer)
    const verdict = judgeHello({
      self,
      peer: link,
      hello,
      latest: this.#latest.get(link.peer),
      linked: old !== undefined,
      helloPending: pending !== undefined,
    })
    if (verdict.kind === 'refuse') {
      this.#refuse(link, verdict.code, verdict.text)
      return
    }
    if (old === undefined && links.size >= settings.linksMax) {
      this.#refuse(link, 'ERR_TOO_MANY_LINKS', `at most ${settings.linksMax} links here`)
      return
    }
    if (!this.#hellos.take(link.peer, clock.monotonic())) {
      this.#refuse(link, 'ERR_TOO_MANY_LINKS', 'too many hellos in a short time')
      return
    }
    this.#latest.note(link.peer, hello)
    if (verdict.abandon) pending?.link.end('dropped', 'the other side dialled too')
    sometimes(verdict.supersede, 'skerry/a link of an older epoch was closed')
    if (verdict.supersede) old?.end('superseded', 'the peer said hello anew')
    // A listener of the old link's `down` may have stopped us: then `stop` ends this link too.
    if (isStopping()) return
    this.#unsettled.delete(link)
    link.accept(this.#greeting())
    up(link)
  }

  /** The peer's accept, on a link that we dialled. */
  acceptedBy(link: Link, greeting: Greeting): void {
    const pending = this.#helloSent.get(link.peer)
    if (this.#self === undefined || pending?.link !== link || this.#options.links.has(link.peer)) {
      link.end('dropped', 'there is another link')
      return
    }
    const mismatch = judgeGreeting(this.#self, link, greeting)
    if (mismatch !== undefined) {
      this.#tellRefused(link, { by: 'us', ...mismatch })
      link.end('refused', mismatch.code)
      return
    }
    this.#latest.note(link.peer, greeting)
    this.#helloSent.delete(link.peer)
    link.open()
    this.#options.up(link)
    link.handOnEarly()
  }

  /** The peer's refusal, on a link that we dialled, which ends then. */
  refusedBy(link: Link, code: string, text: string): void {
    if (code === 'ERR_DUPLICATE_LINK') {
      this.#options.counters.duplicateRefusals += 1
      this.#settle(link, 'duplicate')
      return
    }
    this.#tellRefused(link, { by: 'peer', code, text })
  }

  #refuse(link: Link, code: string, text: string): void {
    if (code === 'ERR_DUPLICATE_LINK') this.#options.counters.duplicateRefusals += 1
    else this.#tellRefused(link, { by: 'us', code, text })
    if (link.isGreeting) link.refuse(code, text)
  }

  #tellRefused(link: Link, refusal: LinkRefusal): void {
    this.#options.counters.helloRefusals += 1
    this.#options.refused(link.peer, refusal)
  }

  #settle(link: Link, outcome: DialOutcome): void {
    const pending = this.#helloSent.get(link.peer)
    if (pending?.link !== link) return
    this.#helloSent.delete(link.peer)
    this.#options.settled(pending.target, outcome)
  }

  #greeting(): Greeting {
    assert(this.#self !== undefined, 'the transport has started')
    this.#epoch += 1
    const { life, region } = this.#options.self
    const { frameBytesMax } = this.#options
    const epoch = this.#epoch
    return { protocolVersion, protocolVersionMin, ...this.#self, life, region, epoch, frameBytesMax, meshVersion }
  }
}
