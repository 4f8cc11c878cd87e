import { RingQueue } from '../base/ring-queue.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { sometimes } from '../platform/property.ts'
import { everyOrder } from './held-frames.ts'
import type { LaneWriter } from './lane-writer.ts'
import { linkHeaderBytes, partHeaderBytes, writePartHeader } from './link-message.ts'
import type { SplitMessage } from './split-message.ts'

export interface BulkSenderOptions {
  /** The bulk lane. */
  readonly lane: LaneWriter
  /** How many bytes one part carries. */
  readonly partBytes: number
  /** What the frames that wait or are under way may count together. One frame is always taken. */
  readonly queueBytesMax: number
  /** How many may be open: taken, and not handed on at the peer. */
  readonly openMax: number
  /** What small frames that the peer has to hold may count. */
  readonly heldBytesMax: number
  readonly orderKey: (frame: Uint8Array) => string
  readonly clock: Clock
  /** How long the next part waits when a small frame passed since the last one, in milliseconds. */
  readonly giveWayMs: number
}

interface LargeFrame {
  readonly number: number
  readonly key: string
  readonly bytes: number
  /** `undefined` when all of it was given to the lane. */
  message: SplitMessage | undefined
  sent: number
}

/** A key with open large frames, and what was sent behind them. */
interface OpenKey {
  frames: number
  heldBytes: number
}

// What a held frame costs beside its bytes: the receiver's count.
const frameOverheadBytes = 64

/**
 * Sends large frames in parts on the bulk lane, one part of each in turn, so that none waits for another's end. Frames begin
 * in the order in which they were taken, and only while those that the peer has not handed on leave room (the peer's
 * credit: `underWayBytesMax`); its word that one was handed on gives the room back.
 *
 * It gives way to small frames: while such pass on this link, in either direction, one part leaves at a time, and the next
 * waits for `giveWayMs`. So a small frame finds no more than about one part before it, in every buffer on its way, and both
 * ends have time between parts for what it asks. On a link that carries nothing else parts leave as fast as the lane takes them.
 */
export class BulkSender {
  /** The peer's bound; set when it said it. */
  underWayBytesMax = 0
  readonly #options: BulkSenderOptions
  /** All that are open, by number. */
  readonly #open = new Map<number, LargeFrame>()
  readonly #keys = new Map<string, OpenKey>()
  /** Not begun yet. */
  readonly #waiting = new RingQueue<LargeFrame>(4)
  /** Begun, and not all given to the lane: each gives a part in turn. */
  readonly #sending = new RingQueue<LargeFrame>(4)
  #next = 0
  /** The bytes of all frames that are kept here. */
  #keptBytes = 0
  #underWayBytes = 0
  #heldBytes = 0
  #smallPassed = false
  #pause: Timer | undefined

  constructor(options: BulkSenderOptions) {
    this.#options = options
  }

  /** Whether small frames may have to wait at the peer. */
  get isOpen(): boolean {
    return this.#open.size > 0
  }

  /** Whether parts of it are still here. */
  isKept(number: number): boolean {
    return this.#open.get(number)?.message !== undefined
  }

  /** Whether a frame of so many bytes would be taken now. */
  hasRoom(bytes: number): boolean {
    const { queueBytesMax, openMax } = this.#options
    if (this.#open.size >= openMax) return false
    return this.#keptBytes === 0 || this.#keptBytes + bytes <= queueBytesMax
  }

  /** The number that the next frame will have: for its place among the others, which is sent before it is taken. */
  get nextNumber(): number {
    return this.#next
  }

  /** Takes a large frame as a message behind its kind, and sends what the lane takes of it. `head` is the frame's beginning. */
  take(message: SplitMessage, head: Uint8Array): void {
    const key = this.#options.orderKey(head)
    const bytes = message.byteLength - linkHeaderBytes
    const large: LargeFrame = { number: this.#next, key, bytes, message, sent: 0 }
    this.#next += 1
    this.#open.set(large.number, large)
    const open = this.#keys.get(key)
    if (open === undefined) this.#keys.set(key, { frames: 1, heldBytes: 0 })
    else open.frames += 1
    this.#keptBytes += large.bytes
    this.#waiting.push(large)
    this.pump()
  }

  /** Counts a small frame, of which `head` is the beginning, that the peer may have to hold. `false`: too much waits there, and it must not be sent. */
  mayFollow(head: Uint8Array, frameBytes: number, urgent: boolean): boolean {
    const key = this.#options.orderKey(head)
    const open = key === everyOrder ? this.#keys.values().next().value : this.#keys.get(key)
    if (open === undefined) return true
    const bytes = frameBytes + frameOverheadBytes
    if (this.#heldBytes + bytes > this.#options.heldBytesMax * (urgent ? 2 : 1)) return false
    this.#heldBytes += bytes
    open.heldBytes += bytes
    return true
  }

  /** The peer has handed it on. `false`: it can't have. */
  handedOn(number: number): boolean {
    const large = this.#open.get(number)
    if (large === undefined || large.message !== undefined) return false
    this.#open.delete(number)
    this.#underWayBytes -= large.bytes
    const key = this.#keys.get(large.key) as OpenKey
    key.frames -= 1
    if (key.frames === 0) {
      this.#keys.delete(large.key)
      this.#heldBytes -= key.heldBytes
    }
    this.pump()
    return true
  }

  /** A small frame was sent or came while large ones are open. */
  smallPassed(): void {
    this.#smallPassed = true
  }

  /** Gives parts to the lane while it takes them, or one after another if small frames pass. */
  pump(): void {
    const { lane, clock, giveWayMs } = this.#options
    while (!lane.blocked && this.#pause === undefined) {
      this.#begin()
      const large = this.#sending.shift()
      if (large === undefined) return
      if (this.#smallPassed) {
        this.#smallPassed = false
        sometimes(true, 'skerry/parts of a large frame gave way to small frames')
        this.#pause = clock.after(giveWayMs, () => {
          this.#pause = undefined
          this.pump()
        })
      }
      this.#sendPart(large)
    }
  }

  /** The link is over. Says how many frames had not left. */
  drop(): number {
    const lost = this.#waiting.length + this.#sending.length
    this.#pause?.cancel()
    this.#waiting.drain()
    this.#sending.drain()
    this.#open.clear()
    this.#keys.clear()
    this.#keptBytes = 0
    return lost
  }

  #begin(): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (this.#underWayBytes + first.bytes > this.underWayBytesMax) return
      this.#waiting.shift()
      this.#underWayBytes += first.bytes
      this.#sending.push(first)
    }
  }

  #sendPart(large: LargeFrame): void {
    const { lane, partBytes } = this.#options
    const message = large.message as SplitMessage
    const end = Math.min(large.bytes, large.sent + partBytes)
    const part = message.cut(linkHeaderBytes + large.sent, linkHeaderBytes + end, partHeaderBytes)
    writePartHeader(part.head, large.number, large.bytes)
    large.sent = end
    if (end < large.bytes) {
      this.#sending.push(large)
    } else {
      large.message = undefined
      this.#keptBytes -= large.bytes
    }
    // Last: its `false` stops the pump, and a listener of the lane may call us back.
    lane.sendPieces(part.head, part.body)
  }
}
