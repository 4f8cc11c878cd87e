import type { Clock } from '../platform/platform.ts'
import type { BlockSlice } from './block-slice.ts'
import { BulkReceiver, largestUnderWay } from './bulk-receiver.ts'
import { BulkSender } from './bulk-sender.ts'
import { orderHeadBytes } from './frame.ts'
import type { LaneWriter } from './lane-writer.ts'
import type { LinkLanes } from './link-lanes.ts'
import { decodeLinkMessage, encodeLinkMessage, linkHeaderBytes, partHeaderBytes } from './link-message.ts'
import type { PeerLinkCounters, PeerLinkSettings } from './peer-link-settings.ts'
import { SplitMessage } from './split-message.ts'
import type { FrameRecord } from './transport.ts'

/** What became of a frame. The last two take nothing: see {@link SendResult}. */
export type FrameResult = 'sent' | 'too-large' | 'overloaded'

export interface LinkFramesOptions {
  readonly lanes: Pick<LinkLanes, 'frames' | 'bulk'>
  readonly clock: Clock
  readonly settings: PeerLinkSettings
  readonly counters: PeerLinkCounters
  readonly maxFrameBytes: number
  /** The largest frame that the peer may send us. */
  readonly frameBytesMax: number
  /** Which frames keep their order among each other. */
  readonly orderKey: (frame: Uint8Array) => string
  /** A frame that was large, or was held behind one, in its turn. */
  readonly deliver: (frame: Uint8Array) => void
  /** A large frame was handed on: its sender has room for another. */
  readonly handedOn: (large: number) => void
  /** A frame was `overloaded`, and there may be room by now. */
  readonly room: () => void
  /** The peer broke the rules. */
  readonly violated: (detail: string) => void
}

const noBytes = new Uint8Array(0)

/**
 * The frames of one link, both ways: small ones whole on the frame lane, large ones in parts on the bulk lane, each in its place
 * among those of its order.
 */
export class LinkFrames {
  readonly #options: LinkFramesOptions
  readonly #writer: LaneWriter
  readonly #sender: BulkSender
  readonly #receiver: BulkReceiver
  /** Frames above this travel in parts. */
  #wholeBytesMax: number
  #peerBytesMax = 0
  /** A frame found no room. */
  #owesRoom = false
  #sent = 0
  #received = 0

  constructor(options: LinkFramesOptions) {
    const { lanes, clock, settings, maxFrameBytes, orderKey, counters } = options
    this.#options = options
    this.#writer = lanes.frames
    this.#wholeBytesMax = maxFrameBytes - linkHeaderBytes
    this.#sender = new BulkSender({
      lane: lanes.bulk,
      partBytes: Math.min(settings.bulkPartBytes, maxFrameBytes - partHeaderBytes),
      queueBytesMax: settings.bulkQueueBytesMax,
      openMax: settings.bulkOpenMax,
      heldBytesMax: settings.backlogBytesMax,
      orderKey,
      clock,
      giveWayMs: settings.bulkGiveWayMs,
    })
    lanes.bulk.onRoom = () => this.#sender.pump()
    lanes.frames.onRoom = () => {
      if (lanes.bulk === lanes.frames) this.#sender.pump()
      this.#tellRoom()
    }
    this.#receiver = new BulkReceiver({
      frameBytesMax: options.frameBytesMax,
      openMax: settings.bulkOpenMax,
      // The sender's own bound, once more for what is urgent, and one frame.
      heldBytesMax: settings.backlogBytesMax * 2 + maxFrameBytes,
      orderKey,
      deliver: options.deliver,
      handedOn: (large) => {
        counters.largeFramesReceived += 1
        options.handedOn(large)
      },
      violated: options.violated,
    })
  }

  /** The link is up. `peerBytesMax`: the largest frame that the peer takes; 0: none in parts. */
  open(peerBytesMax: number): void {
    const { settings, maxFrameBytes } = this.#options
    this.#peerBytesMax = peerBytesMax
    if (peerBytesMax > 0) this.#wholeBytesMax = Math.min(settings.bulkFrameBytes, maxFrameBytes - linkHeaderBytes)
    this.#sender.underWayBytesMax = peerBytesMax * largestUnderWay
  }

  /** How many frames went and came. */
  get traffic(): number {
    return this.#sent + this.#received
  }

  /** Whether a large frame was taken and not yet handed on at the peer. A goodbye would overtake it. */
  get isSendingLarge(): boolean {
    return this.#sender.isOpen
  }

  /** Whether something that was sent has not left, or a large frame was not handed on yet: a goodbye in a while would cut it off. */
  get isSending(): boolean {
    return this.#sender.isOpen || this.#writer.blocked
  }

  /**
   * Takes a frame as a message, behind its kind. `too-large`: for the peer. `overloaded`: the backlog is full, or too much
   * waits for large frames.
   */
  send(message: BlockSlice | SplitMessage, urgent: boolean): FrameResult {
    this.#sent += 1
    const result = message instanceof SplitMessage ? this.#sendSplit(message, urgent) : this.#sendWhole(message, urgent)
    if (result === 'overloaded') this.#owesRoom = true
    return result
  }

  /** Whether a record may be sent now: behind a large frame that is under way it might have to wait, which only frames do. */
  get takesRecords(): boolean {
    return this.#writer.takesRecords && !this.#sender.isOpen
  }

  /** Takes what is no frame. Only while it `takesRecords`. `false`: its frame might be too large for one piece. */
  sendRecord(record: FrameRecord): boolean {
    if (record.byteLength > this.#wholeBytesMax) return false
    this.#sent += 1
    this.#writer.sendRecord(record)
    return true
  }

  #sendSplit(message: SplitMessage, urgent: boolean): FrameResult {
    if (message.byteLength > this.#wholeBytesMax + linkHeaderBytes) return this.#sendLarge(message, urgent)
    if (this.#sender.isOpen) {
      this.#sender.smallPassed()
      if (!this.#sender.mayFollow(headOf(message), message.byteLength - linkHeaderBytes, urgent)) return 'overloaded'
    }
    return this.#writer.sendSplit(message, urgent) ? 'sent' : 'overloaded'
  }

  #sendWhole(whole: BlockSlice, urgent: boolean): FrameResult {
    if (whole.byteLength > this.#wholeBytesMax + linkHeaderBytes) {
      return this.#sendLarge(new SplitMessage(whole.view(), noBytes), urgent)
    }
    if (this.#sender.isOpen) {
      this.#sender.smallPassed()
      const frame = whole.view().subarray(linkHeaderBytes)
      if (!this.#sender.mayFollow(frame, frame.byteLength, urgent)) return 'overloaded'
    }
    return this.#writer.sendSlice(whole, urgent) ? 'sent' : 'overloaded'
  }

  #sendLarge(message: SplitMessage, urgent: boolean): FrameResult {
    const frameBytes = message.byteLength - linkHeaderBytes
    if (frameBytes > this.#peerBytesMax) return 'too-large'
    if (!this.#sender.hasRoom(frameBytes)) return 'overloaded'
    const head = headOf(message)
    const place = encodeLinkMessage({ kind: 'bulk', large: this.#sender.nextNumber, frameBytes, head })
    if (!this.#writer.send(place, urgent)) return 'overloaded'
    this.#options.counters.largeFramesSent += 1
    this.#sender.take(message, head)
    return 'sent'
  }

  /** A small frame came: the bytes from `at` to `end`. `true`: hand it on now; `false`: it waits for a large one before it. */
  passes(bytes: Uint8Array, at: number, end: number): boolean {
    const { counters } = this.#options
    counters.framesReceived += 1
    this.#received += 1
    if (this.#sender.isOpen) this.#sender.smallPassed()
    if (!this.#receiver.isOpen || !this.#receiver.hold(bytes.subarray(at, end))) return true
    counters.framesHeld += 1
    return false
  }

  /** The place of a large frame came: see {@link BulkReceiver}. */
  announced(large: number, frameBytes: number, head: Uint8Array): void {
    this.#receiver.announced(large, frameBytes, head)
  }

  part(large: number, frameBytes: number, bytes: Uint8Array): void {
    this.#receiver.part(large, frameBytes, bytes)
  }

  /** A record came. Nothing large was under way when it was sent, and lanes keep their order: it waits for none. */
  recordCame(): void {
    this.#options.counters.framesReceived += 1
    this.#received += 1
    if (this.#sender.isOpen) this.#sender.smallPassed()
  }

  /** The peer has handed on a large frame of ours. */
  credited(large: number): void {
    if (this.#sender.handedOn(large)) this.#tellRoom()
    else this.#options.violated('credit for a large frame that was not sent')
  }

  /** The link is over. Says how many frames had not left. */
  drop(): number {
    // The place of a large frame is none by itself: it counts where all parts have left before it.
    const waiting = this.#writer.drop().filter((message) => !this.#isPlaceOfKept(message))
    this.#receiver.drop()
    return waiting.length + this.#sender.drop()
  }

  #isPlaceOfKept(message: Uint8Array | BlockSlice | SplitMessage): boolean {
    // Frames that travel whole are slices, or in two pieces.
    if (!(message instanceof Uint8Array)) return false
    const place = decodeLinkMessage(message)
    return place.kind === 'bulk' && this.#sender.isKept(place.large)
  }

  #tellRoom(): void {
    if (!this.#owesRoom) return
    this.#owesRoom = false
    this.#options.room()
  }
}

/** As much of the frame's beginning as its order needs. */
function headOf(message: SplitMessage): Uint8Array {
  return message.slice(linkHeaderBytes, Math.min(message.byteLength, linkHeaderBytes + orderHeadBytes))
}
