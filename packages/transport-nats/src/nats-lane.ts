import { TransportError } from '@skerry/core'
import type { RawLane } from '@skerry/core/transport'
import { FrameQueue } from './frame-queue.ts'
import { FrameReader } from './frame-reader.ts'
import { dataPacket, packetHeadBytes } from './link-packet.ts'
import { PieceQueue } from './piece-queue.ts'

/** What a lane needs of its link. */
export interface LaneOwner {
  readonly isClosed: boolean
  readonly maxFrameBytes: number
  /** How many bytes the peer may send on a lane before we have taken them, and we on its lane. */
  readonly windowBytes: number
  readonly peerWindowBytes: number
  /** Has `runTurn` of the link called soon. */
  turnSoon(): void
  grant(lane: number, bytes: number): void
  /** Somebody listens now. */
  listened(): void
  fail(reason: string): void
}

// From here on `send` answers false.
const fullBytes = 256 * 1024
// A sender that goes on in spite of that loses the link at this many waiting bytes, or at four of the largest frames.
const waitingBytesMax = 32 * 1024 * 1024

/**
 * One lane of one end. What is sent waits here while the peer's window is full, and what has come while the lane is paused or
 * has no listener; the peer is told how much was taken in quarters of the window.
 */
export class NatsLane implements RawLane {
  readonly #number: number
  readonly #link: LaneOwner
  readonly #waiting = new FrameQueue()
  readonly #waitingBytesMax: number
  /** How many bytes the peer still takes. */
  #room: number
  #drainIsOwed = false
  #onDrain: (() => void) | undefined
  readonly #came = new PieceQueue()
  readonly #reader: FrameReader
  /** Of the bytes that came: how many we have not granted again. Never more than the window. */
  #ungranted = 0
  /** Of those: how many we have taken. */
  #taken = 0
  /** The size of what the reader works on. */
  #inReader = 0
  #onFrame: ((frame: Uint8Array) => void) | undefined
  #paused = false

  constructor(number: number, link: LaneOwner) {
    this.#number = number
    this.#link = link
    this.#room = link.peerWindowBytes
    this.#reader = new FrameReader(link.maxFrameBytes)
    this.#waitingBytesMax = Math.max(waitingBytesMax, 4 * link.maxFrameBytes)
  }

  send(frame: Uint8Array): boolean {
    this.#checkSize(frame.byteLength)
    if (this.#link.isClosed) return false
    this.#waiting.push(frame)
    return this.#pushed()
  }

  sendPieces(head: Uint8Array, body: Uint8Array): boolean {
    this.#checkSize(head.byteLength + body.byteLength)
    if (this.#link.isClosed) return false
    this.#waiting.pushPieces(head, body)
    return this.#pushed()
  }

  onDrain(on: () => void): void {
    this.#onDrain = on
    if (this.#drainIsOwed) this.#link.turnSoon()
  }

  onFrame(on: (frame: Uint8Array) => void): void {
    this.#onFrame = on
    this.#link.listened()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    if (this.#came.length > 0 || this.#inReader > 0) this.#link.turnSoon()
  }

  /** The next packet to send, of at most so many bytes; `undefined` while nothing waits or the peer takes nothing. */
  nextPacket(bytesMax: number): Uint8Array | undefined {
    const bytes = Math.min(this.#waiting.bytes, this.#room, bytesMax - packetHeadBytes)
    if (bytes <= 0) return undefined
    const packet = dataPacket(this.#number, bytes)
    this.#waiting.moveTo(packet, packetHeadBytes)
    this.#room -= bytes
    return packet
  }

  /** Tells the sender that there is room, where that is owed. */
  tellDrain(): void {
    if (!this.#drainIsOwed || this.#onDrain === undefined || this.#waiting.bytes > 0 || this.#link.isClosed) return
    this.#drainIsOwed = false
    this.#onDrain()
  }

  /** The peer has taken so many bytes. */
  granted(bytes: number): void {
    this.#room += bytes
    if (this.#room > this.#link.peerWindowBytes) this.#link.fail('The peer took more than was sent')
    else this.#link.turnSoon()
  }

  /** Bytes from the peer. */
  receive(bytes: Uint8Array): void {
    this.#ungranted += bytes.byteLength
    if (this.#ungranted > this.#link.windowBytes) {
      this.#link.fail('The peer sent more than the window that it was given')
      return
    }
    this.#came.push(bytes)
    this.deliver()
  }

  /** Hands on what came, unless the lane is paused or nobody listens. */
  deliver(): void {
    while (!this.#paused && this.#onFrame !== undefined && !this.#link.isClosed) {
      const frame = this.#reader.take()
      if (typeof frame === 'number') {
        this.#link.fail(`The peer sent a frame of ${frame} bytes; the maximum is ${this.#link.maxFrameBytes}`)
      } else if (frame !== undefined) {
        this.#handOn(frame, this.#onFrame)
      } else if (!this.#readNext()) {
        return
      }
    }
  }

  /** Whether something waits for a first listener. */
  isUnheard(): boolean {
    return this.#onFrame === undefined && !this.#paused && (this.#came.length > 0 || this.#inReader > 0)
  }

  discard(): void {
    this.#waiting.clear()
    this.#came.clear()
    this.#inReader = 0
    this.#reader.push(new Uint8Array(0))
  }

  // A listener does not throw. One that does must not take the client's reader with it, nor go unseen.
  #handOn(frame: Uint8Array, on: (frame: Uint8Array) => void): void {
    try {
      on(frame)
    } catch (error) {
      this.#link.fail(`The listener of a lane failed: ${String(error)}`)
    }
  }

  /** Lets go of what the reader has used up, and gives it the next bytes. */
  #readNext(): boolean {
    this.#taken += this.#inReader
    this.#inReader = 0
    if (this.#taken >= this.#link.windowBytes / 4) {
      const bytes = this.#taken
      this.#taken = 0
      this.#ungranted -= bytes
      this.#link.grant(this.#number, bytes)
    }
    const next = this.#came.shift()
    if (next === undefined) return false
    this.#inReader = next.byteLength
    this.#reader.push(next)
    return true
  }

  #checkSize(bytes: number): void {
    const { maxFrameBytes } = this.#link
    if (bytes <= maxFrameBytes) return
    throw new TransportError('ERR_FRAME_TOO_LARGE', `A frame of ${bytes} bytes; the maximum is ${maxFrameBytes}`)
  }

  #pushed(): boolean {
    this.#link.turnSoon()
    if (this.#waiting.bytes < fullBytes) return true
    this.#drainIsOwed = true
    if (this.#waiting.bytes > this.#waitingBytesMax) {
      this.#link.fail(`${this.#waiting.bytes} bytes wait to be sent; the peer does not keep up`)
    }
    return false
  }
}
