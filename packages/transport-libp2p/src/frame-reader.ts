import { TransportError } from '@skerry/core'
import { allocUnsafe } from 'uint8arrays/alloc'
import { giveBack, giveBackWithHeader } from './give-back.ts'

const noBytes = new Uint8Array(0)

/**
 * Cuts a stream of bytes into frames: a length of four bytes, big-endian, and that many bytes. A frame that came whole
 * in one block is a view into it; only one that straddles blocks is copied, once. A block of which no view is left may be freed.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #freesBlocks: boolean
  #block: Uint8Array = noBytes
  #offset = 0
  /** How many frames that are views of the block somebody may still read. */
  #views = 0
  /** The length of the frame that is being read; -1 while its four bytes are not complete. */
  #length = -1
  #lengthBytesRead = 0
  #lengthSoFar = 0
  /** A frame that straddles blocks, and how much of it is there. */
  #straddling: Uint8Array | undefined
  #straddlingBytes = 0

  /** `freesBlocks`: nobody else reads the blocks that are pushed. */
  constructor(maxFrameBytes: number, freesBlocks = false) {
    this.#maxFrameBytes = maxFrameBytes
    this.#freesBlocks = freesBlocks
  }

  /** Adds bytes. Take all frames before adding more. */
  push(block: Uint8Array): void {
    this.#freeBlock()
    this.#block = block
    this.#offset = 0
    this.#views = 0
  }

  /** Nobody reads this frame any more, which was the last that was taken. */
  giveBack(frame: Uint8Array): void {
    if (frame.buffer !== this.#block.buffer) giveBack(frame)
    else this.#views -= 1
  }

  /**
   * The next whole frame; `undefined` when more bytes are needed. Throws `ERR_FRAME_TOO_LARGE` when a frame announces
   * more than the maximum, before anything of it is kept.
   */
  take(): Uint8Array | undefined {
    if (this.#length === -1 && !this.#readLength()) return undefined
    const available = this.#block.byteLength - this.#offset
    if (this.#straddling === undefined) {
      if (available >= this.#length) return this.#takeView(this.#length)
      if (available === 0) {
        this.#freeBlock()
        return undefined
      }
      this.#straddling = allocUnsafe(this.#length)
    }
    const part = this.#block.subarray(this.#offset, this.#offset + this.#length - this.#straddlingBytes)
    this.#straddling.set(part, this.#straddlingBytes)
    this.#straddlingBytes += part.byteLength
    this.#offset += part.byteLength
    if (this.#straddlingBytes === this.#length) return this.#takeStraddling(this.#straddling)
    this.#freeBlock()
    return undefined
  }

  #readLength(): boolean {
    while (this.#lengthBytesRead < 4) {
      if (this.#offset === this.#block.byteLength) return false
      this.#lengthSoFar = this.#lengthSoFar * 256 + (this.#block[this.#offset] as number)
      this.#lengthBytesRead += 1
      this.#offset += 1
    }
    if (this.#lengthSoFar > this.#maxFrameBytes) {
      const problem = `The peer sent a frame of ${this.#lengthSoFar} bytes; the maximum is ${this.#maxFrameBytes}`
      throw new TransportError('ERR_FRAME_TOO_LARGE', problem)
    }
    this.#length = this.#lengthSoFar
    this.#lengthSoFar = 0
    this.#lengthBytesRead = 0
    return true
  }

  /** All of it was read. */
  #freeBlock(): void {
    if (!this.#freesBlocks || this.#views > 0) return
    giveBackWithHeader(this.#block)
    this.#block = noBytes
    this.#offset = 0
  }

  #takeView(length: number): Uint8Array {
    const frame = this.#block.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    this.#length = -1
    this.#views += 1
    return frame
  }

  #takeStraddling(frame: Uint8Array): Uint8Array {
    this.#straddling = undefined
    this.#straddlingBytes = 0
    this.#length = -1
    return frame
  }
}
