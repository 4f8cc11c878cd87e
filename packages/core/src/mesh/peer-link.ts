import { assert } from '../base/assert.ts'
import type { Clock, Timer } from '../platform/platform.ts'
import { chance } from '../platform/property.ts'
import { MalformedError } from './byte-reader.ts'
import type { BlockSlice } from './block-slice.ts'
import { ControlPace } from './control-pace.ts'
import { EarlyFrames } from './early-frames.ts'
import type { NodeLoad, PulseVerdict } from './heartbeat.ts'
import type { LinkEndReason } from './link-end-reason.ts'
import { type FrameResult, LinkFrames } from './link-frames.ts'
import { LinkLanes } from './link-lanes.ts'
import {
  decodeLinkMessage,
  encodeLinkMessage,
  type Greeting,
  isFrameMessage,
  linkHeaderBytes,
  type LinkMessage,
} from './link-message.ts'
import { type LinkPhase, violationBy } from './link-phase.ts'
import type { Measured, Peer, PeerRef, PeerState } from './peer.ts'
import type { PeerLinkCounters, PeerLinkSettings } from './peer-link-settings.ts'
import { PeerVitals } from './peer-vitals.ts'
import type { SplitMessage } from './split-message.ts'
import type { FrameRecord, NodeId, RawLink } from './transport.ts'

/** What a link tells its owner. None of it is called after `ended`. */
export interface PeerLinkEvents {
  hello(link: PeerLink, greeting: Greeting): void
  accepted(link: PeerLink, greeting: Greeting): void
  refused(link: PeerLink, code: string, text: string): void
  frame(link: PeerLink, frame: Uint8Array): void
  /** The same, of one that are the bytes from `at` to `end`. Gives back whether nobody reads them any more. */
  frameWithin(link: PeerLink, bytes: Uint8Array, at: number, end: number): boolean
  /** A signal that came as it is, which counts as a frame. Without this none comes. */
  readonly record: ((link: PeerLink, record: FrameRecord) => void) | undefined
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

/**
 * The protocol on one raw link: handshake, frames, pings, goodbye. It checks what may come when; whether a hello is
 * taken, and what a link means for the node, decides its owner, `PeerLinks`.
 */
export class PeerLink implements Measured {
  readonly peer: NodeId
  /** The regions that the peer may be in; any, if there are none. */
  readonly regions: readonly string[] | undefined
  readonly dialled: boolean
  ref: PeerRef
  upSince = 0
  readonly #roles: readonly string[]
  /** What the peer said of itself, once hello or accept came. */
  #greeting: Greeting | undefined
  /** The epoch of our own hello or accept on this link; 0 before. */
  #ourEpoch = 0
  #phase: LinkPhase = 'greeting'
  #helloDone = false
  #timer: Timer | undefined
  readonly #options: PeerLinkOptions
  readonly #raw: RawLink
  readonly #lanes: LinkLanes
  readonly #frames: LinkFrames
  readonly #vitals: PeerVitals
  readonly #controlPace: ControlPace
  /** Runs while the control lane is paused. */
  #pauseTimer: Timer | undefined
  readonly #early: EarlyFrames

  constructor(options: PeerLinkOptions) {
    const { raw, dialled, clock, settings, counters, maxFrameBytes, frameBytesMax, orderKey, on } = options
    this.#options = options
    this.#raw = raw
    this.peer = raw.peer
    this.#roles = raw.roles ?? []
    this.regions = raw.regions
    this.dialled = dialled
    this.ref = { node: raw.peer, life: 0 }
    this.#lanes = new LinkLanes(raw, settings.backlogBytesMax)
    const controls = { burst: settings.controlsAtOnce, perSecond: settings.controlsPerSecond }
    this.#controlPace = new ControlPace(controls, clock.monotonic())
    this.#frames = new LinkFrames({
      lanes: this.#lanes,
      clock,
      settings,
      counters,
      maxFrameBytes,
      frameBytesMax,
      orderKey,
      deliver: (frame) => on.frame(this, frame),
      handedOn: (large) => this.#sendControlMessage({ kind: 'handedOn', large }),
      room: () => {
        if (this.isUp) on.room?.(this)
      },
      violated: (detail) => this.violated(detail),
    })
    this.#vitals = new PeerVitals(settings, (ms) => raw.leastRtt?.(ms))
    this.#early = new EarlyFrames(settings.backlogBytesMax + maxFrameBytes)
    this.#timer = clock.after(settings.handshakeTimeoutMs, () => {
      counters.handshakeTimeouts += 1
      this.end('timeout', 'no answer to the handshake')
    })
  }

  /**
   * Attaches the listeners. In the turn in which the transport handed the link over, but after the owner has noted it:
   * a hello that came before is delivered from within.
   */
  listen(): void {
    if (this.dialled) this.#lanes.pauseFurther()
    void this.#raw.closed.then(({ reason }) => this.#finish('closed', reason))
    this.#lanes.listen(
      (bytes) => this.#receive(bytes),
      (bytes) => this.#receiveOnFurtherLane(bytes),
      (block, from, end) => this.#receiveWithin(block, from, end),
      this.#options.on.record && ((record) => this.#receiveRecord(record)),
    )
  }

  get isUp(): boolean {
    return this.#phase === 'up' || this.#phase === 'opening'
  }

  get isGreeting(): boolean {
    return this.#phase === 'greeting'
  }

  /** How many frames went and came: while it stays the same the link is not used. */
  get traffic(): number {
    return this.#frames.traffic
  }

  get meshVersion(): number {
    return this.#greeting?.meshVersion ?? 1
  }

  get rttMs(): number | undefined {
    return this.#vitals.rttMs
  }

  get load(): number | undefined {
    return this.#vitals.load
  }

  get inFlight(): number | undefined {
    return this.#vitals.inFlight
  }

  get isStuck(): boolean {
    return this.#vitals.isStuck
  }

  /** The peer as its greeting described it. */
  describe(): Peer {
    const greeting = this.#greeting
    return { ...this.ref, region: greeting?.region ?? '', roles: this.#roles, addresses: greeting?.addresses ?? [] }
  }

  /** The same, with what is known of it and of this link now. */
  state(): PeerState {
    const { rttMs, load, inFlight, isStuck, meshVersion } = this
    return {
      ...this.describe(),
      rttMs,
      load,
      inFlight,
      isStuck,
      suspected: this.#vitals.isSuspected,
      meshVersion,
      epoch: this.#ourEpoch,
      peerEpoch: this.#greeting?.epoch ?? 0,
    }
  }

  sayHello(greeting: Greeting): void {
    assert(this.dialled && this.#phase === 'greeting', 'only the dialling side says hello, and first')
    this.#ourEpoch = greeting.epoch
    this.#helloDone = true
    this.#sendControlMessage({ kind: 'hello', greeting })
  }

  /** The acceptor's answer to a hello. The link is up. */
  accept(greeting: Greeting): void {
    assert(!this.dialled && this.#phase === 'greeting' && this.#helloDone, 'accept answers a hello')
    this.#ourEpoch = greeting.epoch
    this.#cameUp()
    this.#phase = 'up'
    this.#sendControlMessage({ kind: 'accept', greeting })
  }

  /** The dialler saw accept and agrees: the link is up. Follow with {@link handOnEarly}. */
  open(): void {
    assert(this.dialled && this.#phase === 'greeting' && this.#greeting !== undefined, 'accept came')
    this.#cameUp()
    this.#phase = 'opening'
  }

  /** Hands on what came before accept, in order, after the owner has told the node that the link is up. */
  handOnEarly(): void {
    while (this.#phase === 'opening') {
      const frame = this.#early.shift()
      if (frame === undefined) break
      this.#receive(frame)
    }
    this.#early.drop()
    if (this.#phase !== 'opening') return
    this.#phase = 'up'
    this.#lanes.resumeFurther()
  }

  /** Turns the peer away. It should close; after `goodbyeMs` we do. */
  refuse(code: string, text: string): void {
    assert(this.#phase === 'greeting', 'only a link in the handshake is refused')
    this.#sendControlMessage({ kind: 'refuse', code, text })
    this.#leave('refused', text)
  }

  /** Says goodbye behind the last frame. The peer should close; after `goodbyeMs` we do. */
  sayGoodbye(reason: LinkEndReason, text: string): void {
    assert(this.isUp, 'goodbye ends a link that is up')
    this.#lanes.frames.sendLast(encodeLinkMessage({ kind: 'goodbye', text }))
    this.#leave(reason, text)
  }

  /** Takes a frame as a message, behind its kind: see {@link LinkFrames.send}. */
  sendFrame(message: BlockSlice | SplitMessage, urgent = false): FrameResult {
    return this.#frames.send(message, urgent)
  }

  /** Whether a record may be sent now; otherwise frames are. */
  get takesRecords(): boolean {
    return this.#frames.takesRecords
  }

  /** See {@link LinkFrames.sendRecord}. */
  sendRecord(record: FrameRecord): boolean {
    if (!this.#frames.sendRecord(record)) return false
    this.#options.counters.framesSent += 1
    return true
  }

  /** Whether a large frame was taken and not yet handed on at the peer. A goodbye would overtake it. */
  get isSendingLarge(): boolean {
    return this.#frames.isSendingLarge
  }

  /** See {@link LinkFrames.isSending}. */
  get isSending(): boolean {
    return this.#frames.isSending
  }

  /** `false`: the backlog is full. */
  sendControl(bytes: Uint8Array): boolean {
    return this.#lanes.controls.send(encodeLinkMessage({ kind: 'control', bytes }))
  }

  /** Pings the peer and says what the time since the last beat shows of it. */
  beat(beat: { now: number; pausedMs: number; lagMs: number; seq: number; load: NodeLoad }): PulseVerdict {
    const verdict = this.#vitals.judge(beat)
    // Behind a full buffer a ping would only measure the buffer, and what is in the buffer shows our life as well.
    if (this.#lanes.controls.blocked) this.#options.counters.pingsSkipped += 1
    else this.#sendControlMessage({ kind: 'ping', seq: beat.seq, ...beat.load })
    return verdict
  }

  /** See {@link PeerVitals.sampleRtt}. */
  sampleRtt(sampleMs: number, seq: number, isLagging: boolean): number | undefined {
    return this.#vitals.sampleRtt(sampleMs, seq, isLagging)
  }

  /** Ends the link at once. Idempotent. */
  end(reason: LinkEndReason, detail: string): void {
    if (this.#phase === 'ended') return
    this.#raw.close(detail === '' ? reason : `${reason}: ${detail}`)
    this.#finish(reason, detail)
  }

  #cameUp(): void {
    this.#timer?.cancel()
    this.#raw.answerPings?.()
    this.#frames.open(this.#greeting?.frameBytesMax ?? 0)
    this.upSince = this.#options.clock.monotonic()
    this.#vitals.cameUp(this.upSince)
  }

  #leave(reason: LinkEndReason, detail: string): void {
    this.#timer?.cancel()
    this.#phase = 'leaving'
    this.#timer = this.#options.clock.after(this.#options.settings.goodbyeMs, () => this.end(reason, detail))
  }

  #finish(reason: LinkEndReason, detail: string): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#timer?.cancel()
    this.#pauseTimer?.cancel()
    this.#early.drop()
    this.#options.counters.framesLost += this.#frames.drop()
    this.#lanes.controls.drop()
    this.#options.on.ended(this, reason, detail)
  }

  #sendControlMessage(message: LinkMessage): void {
    this.#lanes.controls.sendLast(encodeLinkMessage(message))
  }

  // Lanes are independent, so on the dialler's side the acceptor's first frames may overtake its accept. The lanes are
  // paused until then; what a transport still delivers waits here.
  #receiveOnFurtherLane(bytes: Uint8Array): boolean {
    if (!this.dialled || this.#phase === 'up' || this.#phase === 'leaving' || this.#phase === 'ended') {
      return this.#receive(bytes)
    }
    if (!this.#early.push(bytes)) this.violated('too much came before accept')
    return false
  }

  /** The same as `#receiveOnFurtherLane`, of the bytes from `from` to `end`. */
  #receiveWithin(block: Uint8Array, from: number, end: number): boolean {
    if (this.#phase !== 'up' || !isFrameMessage(block, from))
      return this.#receiveOnFurtherLane(block.subarray(from, end))
    if (this.#vitals.heard()) this.#options.on.trusted(this)
    return this.#receiveFrame(block, from, end)
  }

  /** Both ends are of one memory, and a lane that is paused hands on none: none comes before the link is up. */
  #receiveRecord(record: FrameRecord): void {
    if (!this.isUp) {
      this.#options.counters.framesLate += 1
      return
    }
    if (this.#vitals.heard()) this.#options.on.trusted(this)
    this.#frames.recordCame()
    this.#options.on.record?.(this, record)
  }

  #receiveFrame(block: Uint8Array, from: number, end: number): boolean {
    const at = from + linkHeaderBytes
    return this.#frames.passes(block, at, end) && this.#options.on.frameWithin(this, block, at, end)
  }

  /** Whether nobody reads the bytes any more. */
  #receive(bytes: Uint8Array): boolean {
    if (this.#vitals.heard() && this.isUp) this.#options.on.trusted(this)
    if (this.#phase === 'ended' || this.#phase === 'leaving') {
      this.#receiveLate(bytes)
      return false
    }
    if (this.isUp && isFrameMessage(bytes)) {
      return this.#receiveFrame(bytes, 0, bytes.length)
    }
    const message = this.#decode(bytes)
    if (message === undefined) return false
    const violation = violationBy(message.kind, this.#phase, { dialled: this.dialled, helloDone: this.#helloDone })
    if (violation !== undefined) this.violated(violation)
    else if (this.#mayRead(message, bytes.byteLength)) this.#take(message)
    // A part was copied to its place.
    return message.kind === 'part'
  }

  // Both sides may say goodbye at a time: then neither waits for the other.
  #receiveLate(bytes: Uint8Array): void {
    this.#options.counters.framesLate += 1
    if (this.#phase === 'ended' || isFrameMessage(bytes)) return
    if (this.#decode(bytes)?.kind === 'goodbye') this.end('closed', 'both said goodbye')
  }

  #decode(bytes: Uint8Array): LinkMessage | undefined {
    try {
      return decodeLinkMessage(bytes)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.violated(error.message)
      return undefined
    }
  }

  /** Whether the peer may say so much. Of goodbyes and credit it can't say more than we gave it cause for. */
  #mayRead({ kind }: LinkMessage, bytes: number): boolean {
    if (kind !== 'ping' && kind !== 'pong' && kind !== 'control') return true
    const { clock, counters } = this.#options
    const verdict = this.#controlPace.came(clock.monotonic(), bytes)
    if (verdict === 'drop') counters.controlsDropped += 1
    else if (verdict === 'pause') this.#pauseControls()
    return verdict !== 'drop'
  }

  #pauseControls(): void {
    if (this.#pauseTimer !== undefined) return
    const { clock, counters } = this.#options
    counters.controlPauses += 1
    this.#lanes.pauseControls()
    this.#pauseTimer = clock.after(this.#controlPace.waitMs(clock.monotonic()), () => {
      this.#pauseTimer = undefined
      this.#lanes.resumeControls()
    })
  }

  /** A message that may come now. */
  #take(message: LinkMessage): void {
    const { counters, on } = this.#options
    switch (message.kind) {
      case 'hello':
        this.#helloDone = true
        this.#greetedBy(message.greeting)
        on.hello(this, message.greeting)
        return
      case 'accept':
        this.#greetedBy(message.greeting)
        on.accepted(this, message.greeting)
        return
      case 'refuse':
        on.refused(this, message.code, message.text)
        this.end('refused', message.code)
        return
      case 'ping': {
        this.#noteLoad(message)
        const { lastPong } = this.#vitals
        if (lastPong !== undefined) on.pinged(lastPong.seq, lastPong.leastRttMs)
        this.#answer(message.seq)
        return
      }
      case 'pong':
        this.#noteLoad(message)
        on.pong(this, message.seq)
        return
      case 'control':
        counters.controlsReceived += 1
        on.control(this, message.bytes)
        return
      case 'goodbye':
        this.end('goodbye', message.text)
        return
      case 'bulk':
        this.#frames.announced(message.large, message.frameBytes, message.head)
        return
      case 'part':
        this.#frames.part(message.large, message.frameBytes, message.bytes)
        return
      case 'handedOn':
        this.#frames.credited(message.large)
        return
      case 'frame':
        assert(false, 'frames are taken undecoded')
    }
  }

  #noteLoad(load: NodeLoad): void {
    if (this.#vitals.noteLoad(load)) this.#options.on.stuck(this)
  }

  #answer(seq: number): void {
    // The transport has.
    if (this.#raw.answerPings !== undefined) return
    const pong = encodeLinkMessage({ kind: 'pong', seq, ...this.#options.load() })
    if (chance('skerry/skip a pong') || !this.#lanes.controls.send(pong)) this.#options.counters.pongsSkipped += 1
  }

  #greetedBy(greeting: Greeting): void {
    this.#greeting = greeting
    this.ref = { node: this.peer, life: greeting.life }
  }

  /** The peer did what the protocol does not allow. */
  violated(detail: string): void {
    this.#options.counters.protocolErrors += 1
    this.end('protocol', detail)
  }
}
