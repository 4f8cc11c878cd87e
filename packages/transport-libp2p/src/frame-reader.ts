import { TransportError } from '@skerry/core'
import { allocUnsafe } from 'uint8arrays/alloc'

/**
 * Cuts a stream of bytes into frames: a length of four bytes, big-endian, and that many bytes. A frame that came whole
 * in one block is a view into it; only one that straddles blocks is copied, once.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  #block: Uint8Array = new Uint8Array(0)
  #offset = 0
  /** The length of the frame that is being read; -1 while its four bytes are not complete. */
  #length = -1
  #lengthBytesRead = 0
  #lengthSoFar = 0
  /** A frame that straddles blocks, and how much of it is there. */
  #straddling: Uint8Array | undefined
  #straddlingBytes = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Adds bytes. Take all frames before adding more. */
  push(block: Uint8Array): void {
    this.#block = block
    this.#offset = 0
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
      if (available === 0) return undefined
      this.#straddling = allocUnsafe(this.#length)
    }
    const part = this.#block.subarray(this.#offset, this.#offset + this.#length - this.#straddlingBytes)
    this.#straddling.set(part, this.#straddlingBytes)
    this.#straddlingBytes += part.byteLength
    this.#offset += part.byteLength
    return this.#straddlingBytes === this.#length ? this.#takeStraddling(this.#straddling) : undefined
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

  #takeView(length: number): Uint8Array {
    const frame = this.#block.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    this.#length = -1
    return frame
  }

  #takeStraddling(frame: Uint8Array): Uint8Array {
    this.#straddling = undefined
    this.#straddlingBytes = 0
    this.#length = -1
    return frame
  }
}
