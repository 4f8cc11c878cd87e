import { assert } from '../base/assert.ts'
import type { Clock, Timer } from '../platform/platform.ts'
import { chance } from '../platform/property.ts'
import { BulkReceiver, largestUnderWay } from './bulk-receiver.ts'
import { BulkSender } from './bulk-sender.ts'
import { MalformedError } from './byte-reader.ts'
import { orderHeadBytes } from './frame.ts'
import { judgePulse, leastRtt, type NodeLoad, type Pulse, type PulseVerdict, smoothRtt } from './heartbeat.ts'
import { LaneWriter } from './lane-writer.ts'
import {
  bulkLane,
  controlLane,
  decodeLinkMessage,
  encodeLinkMessage,
  frameLane,
  type Greeting,
  isFrameMessage,
  linkHeaderBytes,
  type LinkMessage,
  partHeaderBytes,
} from './link-message.ts'
import type { PeerLinkCounters, PeerLinkSettings } from './peer-link-settings.ts'
import { nextRttFloor, noRttFloor } from './rtt-floor.ts'
import { SplitMessage } from './split-message.ts'
import type { NodeId, RawLane, RawLink } from './transport.ts'

/** One life of one node. */
export interface PeerRef {
  readonly node: NodeId
  readonly life: number
}

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

/** What a link tells its owner. None of it is called after `ended`. */
export interface PeerLinkEvents {
  hello(link: PeerLink, greeting: Greeting): void
  accepted(link: PeerLink, greeting: Greeting): void
  refused(link: PeerLink, code: string, text: string): void
  frame(link: PeerLink, frame: Uint8Array): void
  /** The same, of one that stands behind the kind byte of its message. */
  frameMessage(link: PeerLink, message: Uint8Array): void
  control(link: PeerLink, bytes: Uint8Array): void
  pong(link: PeerLink, seq: number): void
  /** The peer's own ping came, behind its pong to our beat `seq`. */
  pinged(seq: number, leastRttMs: number): void
  trusted(link: PeerLink): void
  /** A frame was `overloaded`, and there may be room by now. */
  room?(link: PeerLink): void
  /** The peer's main thread is stuck, or is not any more. */
  stuck(link: PeerLink): void
  /** Once, whatever happened before. */
  ended(link: PeerLink, reason: LinkEndReason, detail: string): void
}

export interface PeerLinkOptions {
  readonly raw: RawLink
  readonly dialled: boolean
  readonly clock: Clock
  readonly settings: PeerLinkSettings
  readonly counters: PeerLinkCounters
  readonly maxFrameBytes: number
  /** The largest frame that the peer may send us. */
  readonly frameBytesMax: number
  /** Which frames keep their order among each other. */
  readonly orderKey: (frame: Uint8Array) => string
  /** Ours, for pongs. */
  readonly load: () => NodeLoad
  readonly on: PeerLinkEvents
}

const noBytes = new Uint8Array(0)

/**
 * - `greeting`: no accept was sent or seen.
 * - `opening`: accept was seen, and what the peer sent right behind it is being handed on.
 * - `up`.
 * - `leaving`: goodbye or refuse was sent; what still comes is dropped, and the peer should close.
 * - `ended`.
 */
type State = 'greeting' | 'opening' | 'up' | 'leaving' | 'ended'

/**
 * The protocol on one raw link: handshake, frames, pings, goodbye. It checks what may come when; whether a hello is
 * taken, and what a link means for the node, decides its owner, `PeerLinks`.
 */
export class PeerLink {
  readonly peer: NodeId
  readonly roles: readonly string[]
  /** The regions that the peer may be in; any, if there are none. */
  readonly regions: readonly string[] | undefined
  readonly dialled: boolean
  /** What the peer said of itself, once hello or accept came. */
  greeting: Greeting | undefined
  ref: PeerRef
  /** The epoch of our own hello or accept on this link; 0 before. */
  ourEpoch = 0
  upSince = 0
  rttMs: number | undefined
  /** The peer's, as its last ping or pong said. */
  load: number | undefined
  inFlight: number | undefined
  /** For how long its main thread has been stuck, as the thread of its transport said last. */
  stuckMs = 0
  /** Of the last pong that gave a round-trip time. */
  #ponged: { readonly seq: number; readonly leastRttMs: number } | undefined
  #rttFloor = noRttFloor
  #state: State = 'greeting'
  #pulse: Pulse = { heardAt: 0, suspected: false }
  #heard = false
  #sent = 0
  #received = 0
  #helloDone = false
  /** A frame found no room. */
  #owesRoom = false
  #timer: Timer | undefined
  /** What came on the further lanes before accept, which it may overtake. */
  #early: Uint8Array[] = []
  #earlyBytes = 0
  readonly #options: PeerLinkOptions
  readonly #raw: RawLink
  readonly #frames: LaneWriter
  readonly #controls: LaneWriter
  readonly #bulk: BulkSender
  readonly #incomingBulk: BulkReceiver
  /** The frame and bulk lanes where they are others than the control lane, for pausing them. */
  readonly #furtherLanes: readonly RawLane[]
  /** Frames above this travel in parts. */
  #wholeBytesMax: number

  constructor(options: PeerLinkOptions) {
    const { raw, dialled, clock, settings, maxFrameBytes, frameBytesMax, orderKey, on } = options
    this.#options = options
    this.#raw = raw
    this.peer = raw.peer
    this.roles = raw.roles ?? []
    this.regions = raw.regions
    this.dialled = dialled
    this.ref = { node: raw.peer, life: 0 }
    const controls = raw.lane(controlLane)
    const frames = raw.lane(frameLane)
    const bulk = raw.lane(bulkLane)
    this.#furtherLanes = [...new Set([frames, bulk])].filter((lane) => lane !== controls)
    this.#controls = new LaneWriter(controls, settings.backlogBytesMax)
    this.#frames = frames === controls ? this.#controls : new LaneWriter(frames, settings.backlogBytesMax)
    const bulkWriter = bulk === frames ? this.#frames : new LaneWriter(bulk, settings.backlogBytesMax)
    this.#wholeBytesMax = maxFrameBytes - linkHeaderBytes
    this.#bulk = new BulkSender({
      lane: bulkWriter,
      partBytes: Math.min(settings.bulkPartBytes, maxFrameBytes - partHeaderBytes),
      queueBytesMax: settings.bulkQueueBytesMax,
      openMax: settings.bulkOpenMax,
      heldBytesMax: settings.backlogBytesMax,
      orderKey,
      clock,
      giveWayMs: settings.bulkGiveWayMs,
    })
    bulkWriter.onRoom = () => this.#bulk.pump()
    this.#frames.onRoom = () => {
      if (bulkWriter === this.#frames) this.#bulk.pump()
      this.#tellRoom()
    }
    this.#incomingBulk = new BulkReceiver({
      frameBytesMax,
      openMax: settings.bulkOpenMax,
      // The sender's own bound, once more for what is urgent, and one frame.
      heldBytesMax: settings.backlogBytesMax * 2 + maxFrameBytes,
      orderKey,
      deliver: (frame) => on.frame(this, frame),
      handedOn: (large) => {
        options.counters.largeFramesReceived += 1
        this.#sendControlMessage({ kind: 'handedOn', large })
      },
      violated: (detail) => this.#violated(detail),
    })
    this.#timer = clock.after(settings.handshakeTimeoutMs, () => {
      options.counters.handshakeTimeouts += 1
      this.end('timeout', 'no answer to the handshake')
    })
  }

  /**
   * Attaches the listeners. In the turn in which the transport handed the link over, but after the owner has noted it:
   * a hello that came before is delivered from within.
   */
  listen(): void {
    if (this.dialled) for (const lane of this.#furtherLanes) lane.pause()
    void this.#raw.closed.then(({ reason }) => this.#finish('closed', reason))
    this.#raw.lane(controlLane).onFrame((bytes) => this.#receive(bytes))
    for (const lane of this.#furtherLanes) lane.onFrame((bytes) => this.#receiveOnFurtherLane(bytes))
  }

  get isUp(): boolean {
    return this.#state === 'up' || this.#state === 'opening'
  }

  get isGreeting(): boolean {
    return this.#state === 'greeting'
  }

  /** How many frames went and came: while it stays the same the link is not used. */
  get traffic(): number {
    return this.#sent + this.#received
  }

  get meshVersion(): number {
    return this.greeting?.meshVersion ?? 1
  }

  get isSuspected(): boolean {
    return this.#pulse.suspected
  }

  get isStuck(): boolean {
    return this.stuckMs >= this.#options.settings.stuckMs
  }

  sayHello(greeting: Greeting): void {
    assert(this.dialled && this.#state === 'greeting', 'only the dialling side says hello, and first')
    this.ourEpoch = greeting.epoch
    this.#helloDone = true
    this.#sendControlMessage({ kind: 'hello', greeting })
  }

  /** The acceptor's answer to a hello. The link is up. */
  accept(greeting: Greeting): void {
    assert(!this.dialled && this.#state === 'greeting' && this.#helloDone, 'accept answers a hello')
    this.ourEpoch = greeting.epoch
    this.#cameUp()
    this.#state = 'up'
    this.#sendControlMessage({ kind: 'accept', greeting })
  }

  /** The dialler saw accept and agrees: the link is up. Follow with {@link handOnEarly}. */
  open(): void {
    assert(this.dialled && this.#state === 'greeting' && this.greeting !== undefined, 'accept came')
    this.#cameUp()
    this.#state = 'opening'
  }

  /** Hands on what came before accept, in order, after the owner has told the node that the link is up. */
  handOnEarly(): void {
    for (let next = 0; next < this.#early.length && this.#state === 'opening'; next += 1) {
      this.#receive(this.#early[next] as Uint8Array)
    }
    this.#early = []
    if (this.#state !== 'opening') return
    this.#state = 'up'
    for (const lane of this.#furtherLanes) lane.resume()
  }

  /** Turns the peer away. It should close; after `goodbyeMs` we do. */
  refuse(code: string, text: string): void {
    assert(this.#state === 'greeting', 'only a link in the handshake is refused')
    this.#sendControlMessage({ kind: 'refuse', code, text })
    this.#leave('refused', text)
  }

  /** Says goodbye behind the last frame. The peer should close; after `goodbyeMs` we do. */
  sayGoodbye(reason: LinkEndReason, text: string): void {
    assert(this.isUp, 'goodbye ends a link that is up')
    this.#frames.sendLast(encodeLinkMessage({ kind: 'goodbye', text }))
    this.#leave(reason, text)
  }

  /**
   * Takes a frame as a message, behind its kind. `too-large`: for the peer. `overloaded`: the backlog is full, or too much
   * waits for large frames.
   */
  sendFrame(message: Uint8Array | SplitMessage, urgent = false): 'sent' | 'too-large' | 'overloaded' {
    const result = this.#sendFrame(message, urgent)
    if (result === 'overloaded') this.#owesRoom = true
    return result
  }

  #sendFrame(message: Uint8Array | SplitMessage, urgent: boolean): 'sent' | 'too-large' | 'overloaded' {
    this.#sent += 1
    return message instanceof SplitMessage ? this.#sendSplit(message, urgent) : this.#sendWhole(message, urgent)
  }

  #sendSplit(message: SplitMessage, urgent: boolean): 'sent' | 'too-large' | 'overloaded' {
    if (message.byteLength > this.#wholeBytesMax + linkHeaderBytes) return this.#sendLarge(message, urgent)
    if (this.#bulk.isOpen) {
      this.#bulk.smallPassed()
      if (!this.#bulk.mayFollow(headOf(message), message.byteLength - linkHeaderBytes, urgent)) return 'overloaded'
    }
    return this.#frames.sendSplit(message, urgent) ? 'sent' : 'overloaded'
  }

  #sendWhole(whole: Uint8Array, urgent: boolean): 'sent' | 'too-large' | 'overloaded' {
    if (whole.length > this.#wholeBytesMax + linkHeaderBytes) {
      return this.#sendLarge(new SplitMessage(whole, noBytes), urgent)
    }
    if (this.#bulk.isOpen) {
      this.#bulk.smallPassed()
      const frame = whole.subarray(linkHeaderBytes)
      if (!this.#bulk.mayFollow(frame, frame.byteLength, urgent)) return 'overloaded'
    }
    return this.#frames.send(whole, urgent) ? 'sent' : 'overloaded'
  }

  #sendLarge(message: SplitMessage, urgent: boolean): 'sent' | 'too-large' | 'overloaded' {
    const frameBytes = message.byteLength - linkHeaderBytes
    if (frameBytes > (this.greeting?.frameBytesMax ?? 0)) return 'too-large'
    if (!this.#bulk.hasRoom(frameBytes)) return 'overloaded'
    const head = headOf(message)
    const place = encodeLinkMessage({ kind: 'bulk', large: this.#bulk.nextNumber, frameBytes, head })
    if (!this.#frames.send(place, urgent)) return 'overloaded'
    this.#options.counters.largeFramesSent += 1
    this.#bulk.take(message, head)
    return 'sent'
  }

  #tellRoom(): void {
    if (!this.#owesRoom || !this.isUp) return
    this.#owesRoom = false
    this.#options.on.room?.(this)
  }

  /** Whether a large frame was taken and not yet handed on at the peer. A goodbye would overtake it. */
  get isSendingLarge(): boolean {
    return this.#bulk.isOpen
  }

  /** `false`: the backlog is full. */
  sendControl(bytes: Uint8Array): boolean {
    return this.#controls.send(encodeLinkMessage({ kind: 'control', bytes }))
  }

  /** Pings the peer and says what the time since the last beat shows of it. */
  beat(beat: { now: number; pausedMs: number; lagMs: number; seq: number; load: NodeLoad }): PulseVerdict {
    const { settings, counters } = this.#options
    const { now, pausedMs, lagMs } = beat
    const judged = judgePulse(this.#pulse, { now, pausedMs, lagMs, heard: this.#heard }, settings)
    this.#pulse = judged.pulse
    this.#heard = false
    // Behind a full buffer a ping would only measure the buffer, and what is in the buffer shows our life as well.
    if (this.#controls.blocked) counters.pingsSkipped += 1
    else this.#sendControlMessage({ kind: 'ping', seq: beat.seq, ...beat.load })
    return judged.verdict
  }

  /**
   * By how much that is more than this link ever needs; `undefined` where that is not known yet. What a link that is new while we lag
   * needs can't be told until we have caught up.
   */
  sampleRtt(sampleMs: number, seq: number, isLagging: boolean): number | undefined {
    const isFirst = this.#ponged === undefined
    if (isFirst && isLagging) return undefined
    this.rttMs = smoothRtt(this.rttMs, sampleMs)
    const leastRttMs = leastRtt(this.#ponged?.leastRttMs, sampleMs)
    this.#ponged = { seq, leastRttMs }
    if (!isLagging) this.#sampleFloor(sampleMs)
    return isFirst ? undefined : sampleMs - leastRttMs
  }

  #sampleFloor(sampleMs: number): void {
    const { toldMs } = this.#rttFloor
    this.#rttFloor = nextRttFloor(this.#rttFloor, sampleMs)
    const leastMs = this.#rttFloor.toldMs
    if (leastMs !== undefined && leastMs !== toldMs) this.#raw.leastRtt?.(leastMs)
  }

  /** Ends the link at once. Idempotent. */
  end(reason: LinkEndReason, detail: string): void {
    if (this.#state === 'ended') return
    this.#raw.close(detail === '' ? reason : `${reason}: ${detail}`)
    this.#finish(reason, detail)
  }

  #cameUp(): void {
    this.#timer?.cancel()
    this.#raw.answerPings?.()
    const { settings, maxFrameBytes } = this.#options
    const peerBytesMax = this.greeting?.frameBytesMax ?? 0
    if (peerBytesMax > 0) this.#wholeBytesMax = Math.min(settings.bulkFrameBytes, maxFrameBytes - linkHeaderBytes)
    this.#bulk.underWayBytesMax = peerBytesMax * largestUnderWay
    this.upSince = this.#options.clock.monotonic()
    this.#pulse = { heardAt: this.upSince, suspected: false }
  }

  #leave(reason: LinkEndReason, detail: string): void {
    this.#timer?.cancel()
    this.#state = 'leaving'
    this.#timer = this.#options.clock.after(this.#options.settings.goodbyeMs, () => this.end(reason, detail))
  }

  #finish(reason: LinkEndReason, detail: string): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#timer?.cancel()
    this.#early = []
    this.#options.counters.framesLost += this.#frames.drop() + this.#bulk.drop()
    this.#incomingBulk.drop()
    this.#controls.drop()
    this.#options.on.ended(this, reason, detail)
  }

  #sendControlMessage(message: LinkMessage): void {
    this.#controls.sendLast(encodeLinkMessage(message))
  }

  // Lanes are independent, so on the dialler's side the acceptor's first frames may overtake its accept. The lanes are
  // paused until then; what a transport still delivers waits here.
  #receiveOnFurtherLane(bytes: Uint8Array): boolean {
    if (!this.dialled || this.#state === 'up' || this.#state === 'leaving' || this.#state === 'ended') {
      return this.#receive(bytes)
    }
    this.#early.push(bytes)
    this.#earlyBytes += bytes.byteLength
    const bytesMax = this.#options.settings.backlogBytesMax + this.#options.maxFrameBytes
    if (this.#earlyBytes > bytesMax) this.#violated('too much came before accept')
    return false
  }

  /** Whether nobody reads the bytes any more. */
  #receive(bytes: Uint8Array): boolean {
    if (this.#pulse.suspected) {
      this.#pulse = { ...this.#pulse, suspected: false }
      if (this.isUp) this.#options.on.trusted(this)
    }
    if (this.#state === 'ended' || this.#state === 'leaving') {
      this.#receiveLate(bytes)
      return false
    }
    this.#heard = true
    if (isFrameMessage(bytes) && this.isUp) {
      this.#receiveFrame(bytes)
      return false
    }
    const message = this.#decode(bytes)
    if (message === undefined) return false
    if (this.isUp) this.#receiveUp(message)
    else this.#receiveGreeting(message)
    // A part was copied to its place.
    return message.kind === 'part'
  }

  #receiveFrame(message: Uint8Array): void {
    const { counters, on } = this.#options
    counters.framesReceived += 1
    this.#received += 1
    if (this.#bulk.isOpen) this.#bulk.smallPassed()
    if (this.#incomingBulk.isOpen && this.#incomingBulk.hold(message.subarray(linkHeaderBytes)))
      counters.framesHeld += 1
    else on.frameMessage(this, message)
  }

  // Both sides may say goodbye at a time: then neither waits for the other.
  #receiveLate(bytes: Uint8Array): void {
    this.#options.counters.framesLate += 1
    if (this.#state === 'ended' || isFrameMessage(bytes)) return
    if (this.#decode(bytes)?.kind === 'goodbye') this.end('closed', 'both said goodbye')
  }

  #decode(bytes: Uint8Array): LinkMessage | undefined {
    try {
      return decodeLinkMessage(bytes)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#violated(error.message)
      return undefined
    }
  }

  #receiveGreeting(message: LinkMessage): void {
    if (message.kind === 'hello' && !this.dialled && !this.#helloDone) {
      this.#helloDone = true
      this.#greetedBy(message.greeting)
      this.#options.on.hello(this, message.greeting)
    } else if (message.kind === 'accept' && this.dialled && this.#helloDone) {
      this.#greetedBy(message.greeting)
      this.#options.on.accepted(this, message.greeting)
    } else if (message.kind === 'refuse' && this.dialled && this.#helloDone) {
      this.#options.on.refused(this, message.code, message.text)
      this.end('refused', message.code)
    } else {
      this.#violated(`${message.kind} in the handshake`)
    }
  }

  #receiveUp(message: LinkMessage): void {
    switch (message.kind) {
      case 'ping':
        this.#noteLoad(message)
        if (this.#ponged !== undefined) this.#options.on.pinged(this.#ponged.seq, this.#ponged.leastRttMs)
        this.#answer(message.seq)
        return
      case 'pong':
        this.#noteLoad(message)
        this.#options.on.pong(this, message.seq)
        return
      case 'control':
        this.#options.counters.controlsReceived += 1
        this.#options.on.control(this, message.bytes)
        return
      case 'goodbye':
        this.end('goodbye', message.text)
        return
      case 'bulk':
        this.#incomingBulk.announced(message.large, message.frameBytes, message.head)
        return
      case 'part':
        this.#incomingBulk.part(message.large, message.frameBytes, message.bytes)
        return
      case 'handedOn':
        if (this.#bulk.handedOn(message.large)) this.#tellRoom()
        else this.#violated('credit for a large frame that was not sent')
        return
      default:
        this.#violated(`${message.kind} on a link that is up`)
    }
  }

  #noteLoad({ load, inFlight, stuckMs = 0 }: NodeLoad): void {
    const wasStuck = this.isStuck
    this.load = load
    this.inFlight = inFlight
    this.stuckMs = stuckMs
    if (this.isStuck !== wasStuck) this.#options.on.stuck(this)
  }

  #answer(seq: number): void {
    // The transport has.
    if (this.#raw.answerPings !== undefined) return
    const pong = encodeLinkMessage({ kind: 'pong', seq, ...this.#options.load() })
    if (chance('skerry/skip a pong') || !this.#controls.send(pong)) this.#options.counters.pongsSkipped += 1
  }

  #greetedBy(greeting: Greeting): void {
    this.greeting = greeting
    this.ref = { node: this.peer, life: greeting.life }
  }

  #violated(detail: string): void {
    this.#options.counters.protocolErrors += 1
    this.end('protocol', detail)
  }
}

/** As much of the frame's beginning as its order needs. */
function headOf(message: SplitMessage): Uint8Array {
  return message.slice(linkHeaderBytes, Math.min(message.byteLength, linkHeaderBytes + orderHeadBytes))
}
