import { assert } from '../base/assert.ts'
import type { Platform } from '../platform/platform.ts'
import { always } from '../platform/property.ts'
import { Beats } from './beats.ts'
import { BlockSlice } from './block-slice.ts'
import { textBytes } from './byte-writer.ts'
import type { DialTarget } from './dial-target.ts'
import { Dialer } from './dialer.ts'
import { Handshakes, type LocalNode } from './handshakes.ts'
import { lagMsMin, type NodeLoad } from './heartbeat.ts'
import type { LinkEndReason } from './link-end-reason.ts'
import { encodeLinkMessage, greetingLimits, linkHeaderBytes } from './link-message.ts'
import type { Measured, PeerState } from './peer.ts'
import { PeerLink } from './peer-link.ts'
import {
  defaultPeerLinkSettings,
  type PeerLinkCounters,
  type PeerLinkSettings,
  zeroPeerLinkCounters,
} from './peer-link-settings.ts'
import type { PeerLinksEvents } from './peer-links-events.ts'
import { sayable } from './sayable.ts'
import type { SplitMessage } from './split-message.ts'
import type { FrameRecord, NodeId, RawLink, Transport, Uncarried } from './transport.ts'

/**
 * `sent`: taken; it arrives, in order, unless the link's `down` comes. The others take nothing: `no-link`, `too-large`
 * (beyond `frameBytesMax`, ours or the peer's), `overloaded` (a bound of what waits for the peer is reached).
 */
export type SendResult = 'sent' | 'no-link' | 'too-large' | 'overloaded'

/** The way to a node in the same memory. */
export interface RecordWay {
  /** In the turn in which it was asked for. `false`: this one has to go as a frame. */
  sendRecord(record: FrameRecord): boolean
}

export interface PeerLinksOptions {
  readonly transport: Transport
  readonly platform: Platform
  readonly self: LocalNode
  readonly on: PeerLinksEvents
  readonly settings?: Partial<PeerLinkSettings>
  /**
   * Frames with equal keys arrive in the order in which they were sent; those with other keys may overtake large ones.
   * Default: one order for all. The key `'*'` is of a frame that overtakes nobody. It is given the first
   * `orderHeadBytes` of a large frame, and must not throw.
   */
  readonly orderKey?: (frame: Uint8Array) => string
  /** Told to every peer with each heartbeat, and read once a beat. Default: `platform.load()`, and no calls. */
  readonly load?: () => NodeLoad
}

/** This node, as its transport knows it. */
export interface StartedLinks {
  readonly node: NodeId
  readonly addresses: readonly string[]
  readonly roles: readonly string[]
}

export interface PeerLinks {
  /** Starts the transport, and dialling. Once. Rejects with what the transport reports. */
  start(): Promise<StartedLinks>
  /** The largest frame. A peer may take less. */
  readonly frameBytesMax: number
  /** The largest control payload: control payloads do not travel in parts. */
  readonly controlBytesMax: number
  /**
   * `urgent`: must not be missing from the middle of what is sent, such as a `down`: taken up to twice the bound, and beyond
   * it the link ends, so that everything that crossed it fires.
   */
  send(node: NodeId, frame: Uint8Array, urgent?: boolean): SendResult
  /** The same for a frame that stands already behind the kind byte of its link message: it is sent without a copy. */
  sendMessage(node: NodeId, message: BlockSlice | SplitMessage, urgent?: boolean): SendResult
  /** What sends a signal to that node as a record now; `undefined`: it goes as a frame. */
  recordsTo(node: NodeId): RecordWay | undefined
  sendControl(node: NodeId, bytes: Uint8Array): SendResult
  /** How old what comes from peers is when this node reads it, in milliseconds, by its own pings: 0 while it keeps up. */
  readonly lagMs: number
  /** Peers with a link that is up. */
  peers(): PeerState[]
  /** Their ids only, in no order that means anything. */
  peerNodes(): Iterable<NodeId>
  /** What the heartbeats of one of them showed; `undefined` without a link. */
  measured(node: NodeId): Measured | undefined
  linkTo(node: NodeId): PeerState | undefined
  /** Whether a large frame is on its way to any peer: `stop` does not wait for it. */
  isSendingLarge(): boolean
  /** Whether something that was sent to that peer is still on its way here, however long ago that was. */
  isSendingTo(node: NodeId): boolean
  /** Dials this address for ever, whoever is there. Our own addresses, and ones beyond the bound, are left out. */
  addSeed(address: string): void
  /** Dials this address until it is withdrawn, as a seed that may be gone tomorrow. */
  offer(address: string): void
  /** Dials an offered address no more. One that is also a seed stays, and so does a link that is up. */
  withdraw(address: string): void
  /** Dials this node at this address, among others, until it is forgotten. The addresses of a greeting are not learned by themselves. */
  learn(address: string, expect: NodeId): void
  /** Dials a learned node at once: somebody waits for a link to it. */
  hurry(node: NodeId): void
  /** Dials a learned node no more. A link that is up stays. */
  forget(node: NodeId): void
  /** Whether seeds are left alone, as long as this node has other links. Default: no. */
  restSeeds(resting: boolean): void
  /** How many frames went and came over the link to a node; `undefined` without one. */
  trafficOf(node: NodeId): number | undefined
  /** Says goodbye to a node behind the last frame: nobody uses the link. Nothing without one. */
  leave(node: NodeId): void
  /** The peer did what no lawful one does: its link ends at once, as `protocol`. Nothing without one. */
  violated(node: NodeId, detail: string): void
  /** There is no room left for what the peer must not miss: its link ends at once, as `overloaded`. Nothing without one. */
  unread(node: NodeId): void
  /** `down` for all, goodbye to all, then stops the transport. Takes at most `goodbyeMs` and the transport's time. Idempotent. */
  stop(reason: string): Promise<void>
  readonly counters: Readonly<PeerLinkCounters>
}

/**
 * One link to each peer, over whatever raw links a transport offers: handshake, choice between duplicates, redialling,
 * heartbeat, back-pressure and goodbye.
 *
 * @example
 * const links = createPeerLinks({ transport, platform, self: { life, cluster: 'shop', region: 'syd' }, on })
 * await links.start()
 * links.addSeed('/dns4/shop.internal/tcp/4001')
 */
export function createPeerLinks(options: PeerLinksOptions): PeerLinks {
  return new Links(options)
}

// Room in a frame for what is not its body: four names of at most 1,024 bytes, and numbers.
const headerBytesMax = 8 * 1024

const oneOrder = (): string => ''

class Links implements PeerLinks {
  readonly counters: PeerLinkCounters = zeroPeerLinkCounters()
  readonly frameBytesMax: number
  readonly controlBytesMax: number
  readonly #options: PeerLinksOptions
  readonly #settings: PeerLinkSettings
  readonly #up = new Map<NodeId, PeerLink>()
  /** The one that was sent on last: frames go out in bursts. */
  #last: PeerLink | undefined
  readonly #handshakes: Handshakes<PeerLink>
  readonly #addressesBeforeStart: ((dialer: Dialer) => void)[] = []
  /** Our own, as the transport said. */
  #addresses: readonly string[] = []
  #dialer: Dialer | undefined
  readonly #beats: Beats
  #starting: Promise<StartedLinks> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: PeerLinksOptions) {
    const { self, transport } = options
    assert(Number.isSafeInteger(self.life) && self.life >= 0, 'a life is a safe integer from 0')
    for (const text of [self.cluster, self.region]) {
      assert(
        textBytes(text) <= greetingLimits.nameBytes,
        `cluster and region have at most ${greetingLimits.nameBytes} bytes`,
      )
    }
    this.#options = options
    this.#settings = { ...defaultPeerLinkSettings, ...options.settings }
    this.frameBytesMax = this.#settings.bodyBytesMax + headerBytesMax
    this.controlBytesMax = transport.supports.maxFrameBytes - linkHeaderBytes
    const { platform, load, on } = options
    this.#beats = new Beats({
      clock: platform.clock,
      settings: this.#settings,
      counters: this.counters,
      load: load ?? (() => ({ load: platform.load(), inFlight: 0 })),
      links: () => this.#up.values(),
      suspect: (link) => on.suspect(link.ref),
      told: (busy) => transport.beat?.(busy),
    })
    this.#handshakes = new Handshakes({
      self,
      settings: this.#settings,
      counters: this.counters,
      frameBytesMax: this.frameBytesMax,
      clock: platform.clock,
      links: this.#up,
      isStopping: () => this.#stopping !== undefined,
      up: (link) => this.#cameUp(link),
      settled: (target, outcome) => this.#dialer?.settled(target, outcome),
      refused: (node, refusal) => on.refused(node, refusal),
    })
  }

  start(): Promise<StartedLinks> {
    assert(this.#starting === undefined, 'peer links start once')
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<StartedLinks> {
    const { transport, platform } = this.#options
    const host = {
      accepted: (raw: RawLink) => this.#accepted(raw),
      found: (address: string) => this.addSeed(address),
      offered: (address: string) => this.offer(address),
      withdrawn: (address: string) => this.withdraw(address),
      failed: (error: Error) => this.#options.on.failed?.(error),
      uncarried: (how: Uncarried, count: number) => this.#options.on.uncarried?.(how, count),
    }
    const { id: node, addresses, roles = [] } = await transport.start(host, platform)
    assert(textBytes(node) <= greetingLimits.nameBytes, `a node id has at most ${greetingLimits.nameBytes} bytes`)
    this.#addresses = sayable(addresses)
    if (this.#stopping !== undefined) return { node, addresses, roles }
    this.#dialer = this.#createDialer(node)
    this.#beats.start()
    for (const add of this.#addressesBeforeStart.splice(0)) add(this.#dialer)
    this.#handshakes.start(node, this.#addresses)
    return { node, addresses, roles }
  }

  send(node: NodeId, frame: Uint8Array, urgent = false): SendResult {
    const message = encodeLinkMessage({ kind: 'frame', bytes: frame })
    return this.sendMessage(node, new BlockSlice(message, 0, message.length), urgent)
  }

  sendMessage(node: NodeId, message: BlockSlice | SplitMessage, urgent = false): SendResult {
    const link = this.#linkOf(node)
    if (link === undefined) {
      this.counters.framesNoLink += 1
      return 'no-link'
    }
    if (message.byteLength > this.frameBytesMax + linkHeaderBytes) {
      this.counters.framesTooLarge += 1
      return 'too-large'
    }
    const result = link.sendFrame(message, urgent)
    if (result === 'sent') {
      this.counters.framesSent += 1
    } else if (result === 'too-large') {
      this.counters.framesTooLarge += 1
    } else {
      this.counters.framesOverloaded += 1
      if (urgent) this.unread(node)
    }
    return result
  }

  recordsTo(node: NodeId): RecordWay | undefined {
    const link = this.#linkOf(node)
    return link !== undefined && link.takesRecords ? link : undefined
  }

  #linkOf(node: NodeId): PeerLink | undefined {
    const last = this.#last
    if (last !== undefined && last.peer === node) return last
    const link = this.#up.get(node)
    if (link !== undefined) this.#last = link
    return link
  }

  sendControl(node: NodeId, bytes: Uint8Array): SendResult {
    const link = this.#up.get(node)
    const result = link === undefined ? 'no-link' : this.#sendControlTo(link, bytes)
    if (result === 'sent') this.counters.controlsSent += 1
    else if (result === 'no-link') this.counters.controlsNoLink += 1
    else this.counters.controlsUnsent += 1
    return result
  }

  #sendControlTo(link: PeerLink, bytes: Uint8Array): SendResult {
    if (bytes.byteLength > this.controlBytesMax) return 'too-large'
    return link.sendControl(bytes) ? 'sent' : 'overloaded'
  }

  get lagMs(): number {
    return this.#beats.lagMs
  }

  peers(): PeerState[] {
    return Array.from(this.#up.values(), (link) => link.state())
  }

  peerNodes(): Iterable<NodeId> {
    return this.#up.keys()
  }

  measured(node: NodeId): Measured | undefined {
    return this.#up.get(node)
  }

  linkTo(node: NodeId): PeerState | undefined {
    return this.#up.get(node)?.state()
  }

  isSendingLarge(): boolean {
    for (const link of this.#up.values()) if (link.isSendingLarge) return true
    return false
  }

  isSendingTo(node: NodeId): boolean {
    return this.#up.get(node)?.isSending === true
  }

  addSeed(address: string): void {
    this.#withDialer((dialer) => {
      if (!this.#addresses.includes(address)) dialer.addSeed(address)
    })
  }

  offer(address: string): void {
    this.#withDialer((dialer) => {
      if (!this.#addresses.includes(address)) dialer.offer(address)
    })
  }

  withdraw(address: string): void {
    this.#withDialer((dialer) => dialer.withdraw(address))
  }

  learn(address: string, expect: NodeId): void {
    this.#withDialer((dialer) => dialer.learn(address, expect))
  }

  hurry(node: NodeId): void {
    this.#withDialer((dialer) => dialer.hurry(node))
  }

  forget(node: NodeId): void {
    this.#withDialer((dialer) => dialer.forget(node))
  }

  restSeeds(resting: boolean): void {
    this.#withDialer((dialer) => dialer.restSeeds(resting))
  }

  trafficOf(node: NodeId): number | undefined {
    return this.#up.get(node)?.traffic
  }

  leave(node: NodeId): void {
    const link = this.#up.get(node)
    if (link !== undefined) this.#leave(link, 'idle', 'nobody uses this link')
  }

  violated(node: NodeId, detail: string): void {
    this.#up.get(node)?.violated(detail)
  }

  unread(node: NodeId): void {
    this.#up.get(node)?.end('overloaded', 'the peer does not read what must not be lost')
  }

  stop(reason: string): Promise<void> {
    // A turn later, so that `#stopping` is set before any listener of ours runs.
    this.#stopping ??= Promise.resolve().then(() => this.#stop(reason))
    return this.#stopping
  }

  async #stop(reason: string): Promise<void> {
    this.#beats.stop()
    this.#dialer?.stop()
    this.#handshakes.stop()
    for (const link of [...this.#up.values()]) this.#leave(link, 'stopped', reason)
    await this.#handshakes.allEnded()
    // A transport that failed to start says so to whoever called `start`; stopping it is still right.
    await this.#starting?.catch(() => undefined)
    await this.#options.transport.stop()
  }

  #withDialer(act: (dialer: Dialer) => void): void {
    if (this.#stopping !== undefined) return
    if (this.#dialer !== undefined) act(this.#dialer)
    else if (this.#addressesBeforeStart.length < this.#settings.addressesMax) this.#addressesBeforeStart.push(act)
    else this.counters.addressesDropped += 1
  }

  #createDialer(node: NodeId): Dialer {
    const { transport, platform } = this.#options
    return new Dialer({
      self: node,
      clock: platform.clock,
      random: platform.random,
      settings: this.#settings,
      counters: this.counters,
      dial: (address, expect, signal) => transport.dial(address, expect, signal),
      isLinked: (peer) => this.#up.has(peer),
      isGreeting: (peer) => this.#handshakes.isGreeting(peer),
      reached: (raw, target) => this.#reached(raw, target),
      failed: (peer) => this.#options.on.unreached?.(peer),
    })
  }

  #accepted(raw: RawLink): void {
    if (this.#stopping !== undefined) this.#reject(raw, 'stopping')
    else if (this.#handshakes.isFullFor(raw.peer)) {
      const text = 'too many links in the handshake'
      this.#reject(raw, text)
      this.#options.on.refused(raw.peer, { by: 'us', code: 'ERR_TOO_MANY_LINKS', text })
    } else this.#handshakes.accepted(this.#createLink(raw, false))
  }

  #reject(raw: RawLink, why: string): void {
    this.counters.linksRejected += 1
    raw.close(why)
  }

  #reached(raw: RawLink, target: DialTarget): void {
    if (this.#up.size >= this.#settings.linksMax) {
      this.counters.linksDropped += 1
      raw.close('too many links')
      this.#dialer?.settled(target, 'failed')
      return
    }
    this.#handshakes.dialled(this.#createLink(raw, true), target)
  }

  #createLink(raw: RawLink, dialled: boolean): PeerLink {
    const { clock } = this.#options.platform
    const { on } = this.#options
    const record = on.record?.bind(on)
    return new PeerLink({
      raw,
      dialled,
      clock,
      settings: this.#settings,
      counters: this.counters,
      maxFrameBytes: this.#options.transport.supports.maxFrameBytes,
      frameBytesMax: this.frameBytesMax,
      orderKey: this.#options.orderKey ?? oneOrder,
      load: () => this.#beats.load,
      on: {
        hello: (link, greeting) => this.#handshakes.hello(link, greeting),
        accepted: (link, greeting) => this.#handshakes.acceptedBy(link, greeting),
        refused: (link, code, text) => this.#handshakes.refusedBy(link, code, text),
        frame: (link, frame) => on.frame(link.ref, frame),
        frameWithin: (link, bytes, at, end) => {
          if (on.frameWithin !== undefined) return on.frameWithin(link.ref, bytes, at, end)
          on.frame(link.ref, bytes.subarray(at, end))
          return false
        },
        record: record && ((link, came) => record(link.ref, came)),
        control: (link, bytes) => on.control(link.ref, bytes),
        pong: (link, seq) => {
          const sampleMs = this.#beats.roundTripMs(seq)
          if (sampleMs === undefined) return
          const excessMs = link.sampleRtt(sampleMs, seq, this.#beats.lagMs >= lagMsMin)
          if (excessMs !== undefined) this.#beats.ponged(excessMs)
        },
        pinged: (seq, leastRttMs) => this.#beats.overtook(seq, leastRttMs),
        trusted: (link) => on.trusted(link.ref),
        room: (link) => on.room?.(link.ref),
        stuck: (link) => on.stuck?.(link.ref),
        ended: (link, reason, detail) => this.#ended(link, reason, detail),
      },
    })
  }

  #cameUp(link: PeerLink): void {
    always(!this.#up.has(link.peer), 'skerry/at most one link to a peer is up', { peer: link.peer })
    this.#last = undefined
    this.#up.set(link.peer, link)
    this.#dialer?.linkUp(link.peer)
    this.counters.linksUp += 1
    this.#options.on.up(link.describe())
  }

  #leave(link: PeerLink, reason: 'stopped' | 'idle', text: string): void {
    this.#handshakes.leaving(link)
    link.sayGoodbye(reason, text)
    this.#wentDown(link, reason, text)
  }

  #ended(link: PeerLink, reason: LinkEndReason, detail: string): void {
    this.#handshakes.ended(link)
    if (reason === 'heartbeat') this.counters.heartbeatDeaths += 1
    if (this.#up.get(link.peer) === link) this.#wentDown(link, reason, detail)
  }

  #wentDown(link: PeerLink, reason: LinkEndReason, detail: string): void {
    this.#last = undefined
    this.#up.delete(link.peer)
    this.counters.linksDown += 1
    this.#dialer?.linkDown(link.peer, this.#options.platform.clock.monotonic() - link.upSince)
    this.#options.on.down(link.ref, reason, detail)
  }
}
