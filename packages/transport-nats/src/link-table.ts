import { TransportError } from '@skerry/core'
import type { Log, Platform } from '@skerry/core/platform'
import type { RawLink } from '@skerry/core/transport'
import type { Drops } from './drops.ts'
import {
  commonSecret,
  decodeOpen,
  encodeAnswer,
  encodeRefuse,
  endpointOfOpen,
  isOpenSigned,
  type LinkEndpoint,
  linkKeys,
  messageKinds,
  type Open,
  type Refusal,
} from './handshake.ts'
import { NatsLink } from './nats-link.ts'
import { type CheckedOptions, isAdmitted, windowBytesMax, windowBytesMin } from './options.ts'
import { type Dialled, freshAgreementKey, type HandshakeSelf, PendingDial } from './pending-dial.ts'
import { Opener, sealBytes, Sealer } from './sealed-channel.ts'
import type { ServerConnection, ServerMessage } from './server-connection.ts'
import { parseAddress, type Subjects } from './subjects.ts'
import { TokenBucket } from './token-bucket.ts'

export interface LinkTableOptions {
  readonly self: HandshakeSelf
  readonly options: CheckedOptions
  readonly subjects: Subjects
  /** 16 random bytes in base64url: this life of this node. */
  readonly life: string
  readonly connection: ServerConnection
  readonly platform: Platform
  /** For what others can bring about. */
  readonly log: Log
  readonly drops: Drops
  readonly accepted: (link: RawLink) => void
  /** Packets of a peer never came. */
  readonly lost: (packets: number) => void
  /** A node was refused, or did not confirm its link. */
  readonly refused: () => void
}

// How long a peer may take for its part of the handshake.
const dialMs = 10_000
const confirmMs = 5_000
// Links that their dialler has not confirmed.
const unconfirmedMax = 256
const unconfirmedPerPeerMax = 8
// A handshake costs half a millisecond of this thread, and a refusal a tenth.
const handshakesPerSecond = 500
const refusalsPerSecond = 20
// An idle link says something this often. It is how soon the death of a peer's process shows.
const beatMs = 250
// A beat that comes so late shows that this process was held up.
const lateBeatMs = 4 * beatMs
/** Sealed packets are this long at most, where the server allows it: one of a megabyte would hold up small ones behind it. */
const messageBytesMax = 64 * 1024
const kindBytes = 1

/** What a link's subject leads to. */
type Slot = { readonly kind: 'dial'; readonly dial: PendingDial } | { readonly kind: 'link'; readonly link: NatsLink }

interface LinkGiven {
  readonly peer: string
  readonly subject: string
  readonly endpoint: LinkEndpoint
  readonly sealer: Sealer
  readonly opener: Opener
  /** At the first packet of the peer. */
  readonly confirmed: (link: NatsLink) => void
}

/** All links and dials of one life of a node: what comes from the server finds its way through here. */
export class LinkTable {
  readonly #given: LinkTableOptions
  /** By the subject of our end. */
  readonly #slots = new Map<string, Slot>()
  /** Those whose peer is known to be there. */
  readonly #links = new Set<NatsLink>()
  /** How many of each peer's are not. */
  readonly #unconfirmed = new Map<string, number>()
  #unconfirmedCount = 0
  /**
   * For the peers of the links that were lost together with the server, who can't know: sent as soon as it is back. One a
   * link, of which there are none from then on until it is back.
   */
  readonly #farewells: { readonly subject: string; readonly bytes: Uint8Array }[] = []
  readonly #handshakes: TokenBucket
  readonly #refusals: TokenBucket
  #nextNumber = 1
  #beatAt: number
  #stopBeat: () => void = () => undefined
  #isStopped = false

  constructor(given: LinkTableOptions) {
    this.#given = given
    const { clock } = given.platform
    this.#handshakes = new TokenBucket(handshakesPerSecond, clock)
    this.#refusals = new TokenBucket(refusalsPerSecond, clock)
    this.#beatAt = clock.monotonic()
    this.#beatSoon()
  }

  /** Whether we have a link to this node. */
  isLinked(peer: string): boolean {
    for (const link of this.#links) if (link.peer === peer) return true
    return false
  }

  get isAlone(): boolean {
    return this.#links.size === 0
  }

  async dial(address: string, expect: string | undefined, signal: AbortSignal): Promise<RawLink> {
    const peer = this.#target(address, expect)
    if (signal.aborted) throw aborted(address, signal)
    if (!this.#given.connection.isUp) throw new TransportError('ERR_DIAL_FAILED', 'No server of NATS is connected')
    const { subject, endpoint } = this.#newEndpoint()
    return await new Promise<RawLink>((resolve, reject) => {
      const abort = (): void => dial.stop(aborted(address, signal))
      const timer = this.#given.platform.clock.after(dialMs, () =>
        dial.fail(`${address} did not answer in ${dialMs} ms`),
      )
      const dial = new PendingDial(this.#given.self, {
        peer,
        endpoint,
        settle: (outcome) => {
          timer.cancel()
          signal.removeEventListener('abort', abort)
          this.#slots.delete(subject)
          if (outcome instanceof TransportError) reject(outcome)
          else resolve(this.#dialled(peer, subject, outcome))
        },
      })
      signal.addEventListener('abort', abort, { once: true })
      this.#slots.set(subject, { kind: 'dial', dial })
      this.#given.connection.publish(this.#given.subjects.node(peer), dial.open, subject)
    })
  }

  /** Something came to the subject of one of our ends. */
  linkMessage({ subject, bytes, nobody }: ServerMessage): void {
    const slot = this.#slots.get(subject)
    if (slot === undefined) {
      if (!nobody) this.#given.drops.count('no-link')
    } else if (slot.kind === 'dial') {
      if (nobody) slot.dial.fail('Nobody listens there')
      else if (!slot.dial.message(bytes)) this.#given.drops.count('forged')
    } else if (nobody) {
      slot.link.lose('The peer is gone')
    } else if (bytes[0] === messageKinds.sealed) {
      slot.link.receive(bytes.subarray(kindBytes))
    } else {
      this.#given.drops.count('malformed')
    }
  }

  /** Something came to the subject of this node: somebody wants a link. */
  nodeMessage({ bytes }: ServerMessage): void {
    const { self, drops } = this.#given
    const endpoint = endpointOfOpen(bytes)
    if (endpoint === undefined) return drops.count('malformed')
    if (this.#isStopped) return
    const open = decodeOpen(bytes)
    if (open === undefined) return this.#refuse('version', endpoint, bytes)
    if (endpoint.windowBytes < windowBytesMin || endpoint.windowBytes > windowBytesMax) return drops.count('malformed')
    const said = { to: self.id, ...self }
    const common = commonSecret(bytes, open, said)
    if (common === undefined) return this.#refuse('secret', endpoint, bytes, open.from)
    if (!this.#handshakes.take()) return drops.count('too-many')
    if (!isOpenSigned(bytes, open, said)) return drops.count('not-authentic')
    if (!isAdmitted(this.#given.options, open.from)) return this.#refuse('identity', endpoint, bytes, open.from)
    const ofPeer = this.#unconfirmed.get(open.from) ?? 0
    if (ofPeer >= unconfirmedPerPeerMax || this.#unconfirmedCount >= unconfirmedMax) {
      drops.count('too-many')
      return this.#refuse('busy', endpoint, bytes, open.from)
    }
    this.#answer(bytes, open, common)
  }

  /** Our connection to the server is lost: so is every link, and every dial. */
  serverLost(): void {
    for (const slot of [...this.#slots.values()]) {
      if (slot.kind === 'dial') slot.dial.fail('The connection to the server of NATS was lost')
      else slot.link.fail('The connection to the server of NATS was lost')
    }
  }

  /** It is found again. */
  serverBack(): void {
    for (const { subject, bytes } of this.#farewells.splice(0)) this.#given.connection.publish(subject, bytes)
  }

  /** Closes all links, and takes no other. */
  stop(): void {
    this.#isStopped = true
    this.#stopBeat()
    for (const slot of [...this.#slots.values()]) {
      if (slot.kind === 'link') slot.link.close('The transport stops')
      else slot.dial.stop(new TransportError('ERR_TRANSPORT_STOPPED', 'The NATS transport was stopped'))
    }
  }

  #target(address: string, expect: string | undefined): string {
    const { tag, id: self } = this.#given.self
    const target = parseAddress(address)
    if (target === undefined) {
      throw new TransportError('ERR_DIAL_FAILED', `Not an address of this transport: ${address.slice(0, 100)}`)
    }
    if (target.tag !== tag) throw new TransportError('ERR_PEER_REFUSED', `${address} is of another cluster`)
    if (target.id === self) throw new TransportError('ERR_OWN_ADDRESS', 'The address is our own')
    if (expect !== undefined && target.id !== expect) {
      throw new TransportError('ERR_WRONG_PEER', `Expected ${expect}, but the address is one of ${target.id}`)
    }
    if (!isAdmitted(this.#given.options, target.id)) {
      throw new TransportError('ERR_PEER_REFUSED', `${target.id} is none of our identities`)
    }
    return target.id
  }

  #newEndpoint(): { subject: string; endpoint: LinkEndpoint } {
    const { life, options, subjects } = this.#given
    const number = this.#nextNumber
    this.#nextNumber += 1
    return { subject: subjects.link(life, number), endpoint: { life, number, windowBytes: options.windowBytes } }
  }

  #dialled(peer: string, subject: string, { answer, keys }: Dialled): NatsLink {
    const link = this.#addLink({
      peer,
      subject,
      endpoint: answer.endpoint,
      sealer: new Sealer(keys.dialler),
      opener: new Opener(keys.peer),
      confirmed: () => undefined,
    })
    this.#links.add(link)
    link.sayAlive()
    return link
  }

  #answer(bytes: Uint8Array, open: Open, common: { readonly ours: number; readonly theirs: number }): void {
    const { self, connection, drops, platform, subjects } = this.#given
    const { from: peer } = open
    const secret = self.secrets[common.ours] as Uint8Array
    const key = freshAgreementKey()
    const { subject, endpoint } = this.#newEndpoint()
    const answer = encodeAnswer(
      { endpoint, agreementKey: key.publicBytes, secret: common.theirs },
      { from: self.id, open: bytes, key: secret, signatures: self.signatures },
    )
    const keys = linkKeys({ ours: key.privateKey, theirs: open.agreementKey, secret, open: bytes, answer })
    if (keys === undefined) return drops.count('malformed')
    const settled = (): void => {
      timer.cancel()
      this.#count(peer, -1)
    }
    let isConfirmed = false
    const link = this.#addLink({
      peer,
      subject,
      endpoint: open.endpoint,
      sealer: new Sealer(keys.peer),
      opener: new Opener(keys.dialler),
      confirmed: (confirmed) => {
        isConfirmed = true
        settled()
        this.#links.add(confirmed)
        this.#given.accepted(confirmed)
      },
    })
    const timer = platform.clock.after(confirmMs, () => {
      this.#given.refused()
      link.lose('The dialler did not confirm the link')
    })
    this.#count(peer, 1)
    void link.closed.then(() => {
      if (!isConfirmed) settled()
    })
    connection.publish(subjects.link(open.endpoint.life, open.endpoint.number), answer, subject)
  }

  /** `peer`: who it says that it is. */
  #refuse(refusal: Refusal, { life, number }: LinkEndpoint, open: Uint8Array, peer?: string): void {
    const { self, connection, drops, log, subjects } = this.#given
    if (!this.#refusals.take()) return drops.count('too-many')
    this.#given.refused()
    log.warn({ peer, refusal }, 'NATS transport: a node was refused')
    connection.publish(subjects.link(life, number), encodeRefuse(refusal, { open, signatures: self.signatures }))
  }

  #addLink({ peer, subject, endpoint, sealer, opener, confirmed }: LinkGiven): NatsLink {
    const { options, connection, drops, platform, subjects } = this.#given
    const peerSubject = subjects.link(endpoint.life, endpoint.number)
    const link = new NatsLink({
      peer,
      identity: options.identities.get(peer),
      opener,
      maxFrameBytes: options.maxFrameBytes,
      windowBytes: options.windowBytes,
      peerWindowBytes: endpoint.windowBytes,
      packetBytesMax: Math.min(messageBytesMax, connection.maxPayload - sealBytes - kindBytes),
      clock: platform.clock,
      turns: platform.turns,
      publish: (packet) => {
        const bytes = sealer.seal(packet, kindBytes)
        bytes[0] = messageKinds.sealed
        if (connection.isUp) connection.publish(peerSubject, bytes, subject)
        else this.#farewells.push({ subject: peerSubject, bytes })
      },
      confirmed,
      ignored: (why) => drops.count(why),
      lost: this.#given.lost,
      gone: (over) => {
        this.#slots.delete(subject)
        this.#links.delete(over)
      },
    })
    this.#slots.set(subject, { kind: 'link', link })
    return link
  }

  #beatSoon(): void {
    const { clock } = this.#given.platform
    const timer = clock.after(beatMs, () => {
      const now = clock.monotonic()
      const late = now - this.#beatAt > lateBeatMs
      this.#beatAt = now
      for (const link of [...this.#links]) link.beat(late)
      this.#beatSoon()
    })
    this.#stopBeat = () => timer.cancel()
  }

  #count(peer: string, by: 1 | -1): void {
    this.#unconfirmedCount += by
    const count = (this.#unconfirmed.get(peer) ?? 0) + by
    if (count === 0) this.#unconfirmed.delete(peer)
    else this.#unconfirmed.set(peer, count)
  }
}

function aborted(address: string, signal: AbortSignal): TransportError {
  return new TransportError('ERR_DIAL_FAILED', `Dialling ${address.slice(0, 100)} was aborted`, {
    cause: signal.reason,
  })
}
