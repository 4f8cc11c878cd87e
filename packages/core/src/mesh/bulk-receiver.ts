import { giveAway } from '../base/given-bytes.ts'
import { sometimes } from '../platform/property.ts'
import { HeldFrames } from './held-frames.ts'

export interface BulkReceiverOptions {
  /** The largest frame that a peer may send us. What it has under way is at most twice that. */
  readonly frameBytesMax: number
  /** How many large frames may be announced and not handed on. */
  readonly openMax: number
  /** What the small frames that wait behind large ones may count. */
  readonly heldBytesMax: number
  /** Which frames keep their order among each other. */
  readonly orderKey: (frame: Uint8Array) => string
  readonly deliver: (frame: Uint8Array) => void
  /** A large frame was handed on: its room is free again. */
  readonly handedOn: (large: number) => void
  /** The peer broke the rules. */
  readonly violated: (detail: string) => void
}

/** A large frame of which at least one part has come. */
interface Assembly {
  readonly bytes: number
  /**
   * As large as was announced, which is no more than the peer may have under way, and nothing but addresses until it is written
   * to: the system gives memory page by page, to what has come. So it is never copied, which would stop everything for a while.
   */
  readonly buffer: Uint8Array
  received: number
}

/** How many large frames of one size the peer may have under way: more than one, so that they need not wait for each other. */
export const largestUnderWay = 2

/**
 * Puts large frames together from their parts, and keeps them in their place among the others. Memory is bounded by the
 * rules that the sender keeps too, so a peer that breaks one loses the link: frames that have begun are together at most
 * twice the largest, counted until they are handed on; so many are open; so many bytes wait behind them.
 */
export class BulkReceiver {
  readonly #options: BulkReceiverOptions
  readonly #held: HeldFrames
  /** By number: how large, as announced. */
  readonly #announced = new Map<number, number>()
  readonly #assemblies = new Map<number, Assembly>()
  /** Frames that were whole before their place was known: lanes are independent of each other. */
  readonly #early = new Map<number, Uint8Array>()
  /** What the frames that have begun and were not handed on count, by number and together. */
  readonly #begun = new Map<number, number>()
  #begunBytes = 0
  #nextAnnounced = 0
  #nextBegun = 0

  constructor(options: BulkReceiverOptions) {
    this.#options = options
    this.#held = new HeldFrames(options.deliver, (large) => {
      this.#begunBytes -= this.#begun.get(large) ?? 0
      this.#begun.delete(large)
      options.handedOn(large)
    })
  }

  /** Whether a large frame is announced and not handed on: a small one may have to wait. */
  get isOpen(): boolean {
    return this.#held.open > 0
  }

  /** A small frame, in its place. `false`: nothing is before it that it would have to wait for. */
  hold(frame: Uint8Array): boolean {
    if (!this.isOpen || !this.#held.hold(this.#options.orderKey(frame), frame)) return false
    sometimes(true, 'skerry/a frame waited for a large one before it')
    if (this.#held.bytes > this.#options.heldBytesMax) this.#options.violated('too much waits behind large frames')
    return true
  }

  /** The place of a large frame. `head` is its beginning, as much of it as the order key needs. */
  announced(large: number, bytes: number, head: Uint8Array): void {
    const { frameBytesMax, openMax, orderKey } = this.#options
    if (large !== this.#nextAnnounced || bytes === 0 || bytes > frameBytesMax || this.#held.open >= openMax) {
      this.#options.violated(`a large frame of ${bytes} bytes that may not be sent`)
      return
    }
    this.#nextAnnounced += 1
    this.#held.announce(large, orderKey(head))
    const early = this.#early.get(large)
    sometimes(early !== undefined, 'skerry/a large frame was whole before its place was known')
    if (early !== undefined) {
      this.#early.delete(large)
      this.#complete(large, bytes, early)
      return
    }
    this.#announced.set(large, bytes)
  }

  /** A part of a large frame of `bytes` bytes, in order. It may come before the frame's place. */
  part(large: number, bytes: number, part: Uint8Array): void {
    const assembly = this.#assemblies.get(large) ?? this.#begin(large, bytes)
    if (assembly === undefined) return
    if (assembly.bytes !== bytes || part.byteLength === 0 || assembly.received + part.byteLength > bytes) {
      this.#options.violated('a part that does not fit its large frame')
      return
    }
    assembly.buffer.set(part, assembly.received)
    assembly.received += part.byteLength
    if (assembly.received < bytes) return
    this.#assemblies.delete(large)
    const announced = this.#announced.get(large)
    if (announced === undefined) {
      this.#early.set(large, assembly.buffer)
      return
    }
    this.#announced.delete(large)
    this.#complete(large, announced, assembly.buffer)
  }

  drop(): void {
    this.#held.drop()
    this.#announced.clear()
    this.#assemblies.clear()
    this.#early.clear()
    this.#begun.clear()
    this.#begunBytes = 0
  }

  #begin(large: number, bytes: number): Assembly | undefined {
    const { frameBytesMax } = this.#options
    if (
      large !== this.#nextBegun ||
      bytes > frameBytesMax ||
      this.#begunBytes + bytes > frameBytesMax * largestUnderWay
    ) {
      this.#options.violated('more large frames at a time than are allowed')
      return undefined
    }
    this.#nextBegun += 1
    sometimes(this.#assemblies.size > 0, 'skerry/parts of two large frames came in turn')
    const assembly = { bytes, buffer: new Uint8Array(bytes), received: 0 }
    this.#assemblies.set(large, assembly)
    this.#begun.set(large, bytes)
    this.#begunBytes += bytes
    return assembly
  }

  #complete(large: number, announced: number, frame: Uint8Array): void {
    if (announced === frame.byteLength) {
      // Put together here, and for one reader.
      giveAway(frame)
      this.#held.complete(large, frame)
    } else this.#options.violated('a large frame of another size than was announced')
  }
}
