import type { Clock, Timer, Turn, TurnQueue } from '@skerry/core/platform'
import type { LinkClosed, RawLane, RawLink } from '@skerry/core/transport'
import { decodePacket, encodePacket, lanesPerLink, type LinkPacket } from './link-packet.ts'
import { type LaneOwner, NatsLane } from './nats-lane.ts'
import type { NatsIdentity } from './options.ts'
import type { Opened, Opener } from './sealed-channel.ts'

export interface NatsLinkOptions {
  readonly peer: string
  /** What is known of the peer, if anything is. */
  readonly identity: NatsIdentity | undefined
  readonly opener: Opener
  readonly maxFrameBytes: number
  readonly windowBytes: number
  readonly peerWindowBytes: number
  /** The largest packet, before it is sealed. */
  readonly packetBytesMax: number
  readonly clock: Clock
  readonly turns: TurnQueue
  /** Sends a packet to the other end, sealed. */
  readonly publish: (packet: Uint8Array) => void
  /** Called at the first packet of the peer, before it is handed on: only now it is known that the peer is there. */
  readonly confirmed: (link: NatsLink) => void
  /** Told of packets that were no use. */
  readonly ignored: (why: Exclude<Opened['kind'], 'packet' | 'lost'>) => void
  /** Told how many of the peer's packets are missing. The link is over then. */
  readonly lost: (packets: number) => void
  /** Called once, when the link is over. */
  readonly gone: (link: NatsLink) => void
}

// How long an end that its peer closed waits for somebody to listen to what had come before.
const unheardMs = 1_000
// After so many beats without anything from the peer a link is over. A peer with nothing to say says so once a beat.
const silentBeatsMax = 40

/**
 * One end of a link, over one subject each way. All packets of one direction are counted together, whichever lane they are
 * of: the server may lose any of them, the last as well as the first, and the next one shows it. A link that lost a packet is
 * over, since nothing that was in flight is known to have arrived.
 */
export class NatsLink implements RawLink, LaneOwner, Turn {
  readonly peer: string
  readonly roles: readonly string[]
  readonly regions: readonly string[] | undefined
  readonly closed: Promise<LinkClosed>
  readonly maxFrameBytes: number
  readonly windowBytes: number
  readonly peerWindowBytes: number
  isClosed = false
  readonly #options: NatsLinkOptions
  readonly #lanes: readonly NatsLane[]
  readonly #resolveClosed: (closed: LinkClosed) => void
  #isConfirmed = false
  #turnIsQueued = false
  /** Since the last beat. */
  #hasSent = false
  #hasHeard = true
  #silentBeats = 0
  /** Why the peer closed, from then on until we have. */
  #endReason: string | undefined
  #unheardTimer: Timer | undefined

  constructor(options: NatsLinkOptions) {
    this.#options = options
    this.peer = options.peer
    this.roles = options.identity?.roles ?? []
    this.regions = options.identity?.regions
    this.maxFrameBytes = options.maxFrameBytes
    this.windowBytes = options.windowBytes
    this.peerWindowBytes = options.peerWindowBytes
    let resolveClosed!: (closed: LinkClosed) => void
    this.closed = new Promise((resolve) => {
      resolveClosed = resolve
    })
    this.#resolveClosed = resolveClosed
    this.#lanes = Array.from({ length: lanesPerLink }, (_none, number) => new NatsLane(number, this))
  }

  lane(n: number): RawLane {
    return this.#lanes[Math.min(Math.max(Math.trunc(n), 0), lanesPerLink - 1)] as NatsLane
  }

  close(reason: string): void {
    if (this.isClosed) return
    this.#sendWaiting()
    this.#send(encodePacket({ kind: 'close', reason }))
    this.#settle({ local: true, reason })
  }

  /** Something is wrong: the link is over, and the peer is told. */
  fail(reason: string): void {
    if (this.isClosed) return
    this.#send(encodePacket({ kind: 'close', reason }))
    this.#settle({ local: false, reason })
  }

  /** The peer or the server is out of reach: the link is over, and nobody can be told. */
  lose(reason: string): void {
    this.#settle({ local: false, reason })
  }

  /** Shows the peer that we are here. */
  sayAlive(): void {
    this.#send(encodePacket({ kind: 'alive' }))
  }

  /** To be called four times a second. `late`: this process was held up, and what the peer said may not be read yet. */
  beat(late: boolean): void {
    if (this.isClosed) return
    this.#silentBeats = this.#hasHeard || late ? 0 : this.#silentBeats + 1
    this.#hasHeard = false
    if (this.#silentBeats >= silentBeatsMax) {
      this.fail('Nothing was heard of the peer')
      return
    }
    if (!this.#hasSent) this.sayAlive()
    this.#hasSent = false
  }

  /** A sealed packet that came for this end. */
  receive(sealed: Uint8Array): void {
    if (this.isClosed) return
    const opened = this.#options.opener.open(sealed)
    if (opened.kind === 'lost') {
      this.#options.lost(opened.packets)
      this.fail(`${opened.packets} packets of the peer were lost on the way`)
    } else if (opened.kind === 'packet') {
      this.#hasHeard = true
      if (!this.#isConfirmed) {
        this.#isConfirmed = true
        this.#options.confirmed(this)
      }
      this.#receivePacket(decodePacket(opened.packet))
    } else {
      this.#options.ignored(opened.kind)
    }
  }

  turnSoon(): void {
    if (this.#turnIsQueued) return
    this.#turnIsQueued = true
    this.#options.turns.enqueue(this)
  }

  runTurn(): void {
    this.#turnIsQueued = false
    if (this.isClosed) return
    for (const lane of this.#lanes) lane.deliver()
    this.#sendWaiting()
    for (const lane of this.#lanes) lane.tellDrain()
    if (this.#endReason !== undefined) this.#endWhenHeard(this.#endReason)
  }

  grant(lane: number, bytes: number): void {
    this.#send(encodePacket({ kind: 'credit', lane, bytes }))
  }

  listened(): void {
    this.turnSoon()
  }

  #receivePacket(packet: LinkPacket | undefined): void {
    // A listener may have closed the link while it was confirmed.
    if (this.isClosed) return
    switch (packet?.kind) {
      case 'data':
        this.#lanes[packet.lane]?.receive(packet.bytes)
        return
      case 'credit':
        this.#lanes[packet.lane]?.granted(packet.bytes)
        return
      case 'close':
        this.#endWhenHeard(packet.reason)
        return
      case 'alive':
        return
      case undefined:
        this.fail('The peer sent a packet that does not exist')
    }
  }

  // A dialler learns of its link a little later than the peer, which may have said something and closed by then.
  #endWhenHeard(reason: string): void {
    this.#endReason = reason
    if (this.#lanes.some((lane) => lane.isUnheard())) {
      this.#unheardTimer ??= this.#options.clock.after(unheardMs, () => this.#settle({ local: false, reason }))
    } else {
      this.#settle({ local: false, reason })
    }
  }

  #sendWaiting(): void {
    for (const lane of this.#lanes) {
      for (;;) {
        const packet = lane.nextPacket(this.#options.packetBytesMax)
        if (packet === undefined) break
        this.#send(packet)
      }
    }
  }

  #send(packet: Uint8Array): void {
    if (this.isClosed) return
    this.#hasSent = true
    this.#options.publish(packet)
  }

  #settle(closed: LinkClosed): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#unheardTimer?.cancel()
    for (const lane of this.#lanes) lane.discard()
    this.#resolveClosed(closed)
    this.#options.gone(this)
  }
}
