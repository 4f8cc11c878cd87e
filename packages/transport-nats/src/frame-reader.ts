const lengthBytes = 4

/**
 * Cuts the bytes of a lane into frames: a length of four bytes, big-endian, and that many bytes. A frame that came whole
 * in one message is a view into it; only one that straddles messages is copied, once.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  #block: Uint8Array = new Uint8Array(0)
  #offset = 0
  /** The length that is being read, and how many of its bytes are there. */
  #length = 0
  #lengthBytesRead = 0
  /** A frame that straddles messages, and how much of it is there. */
  #partial: Uint8Array | undefined
  #partialBytes = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Adds bytes. Take all frames before adding more. */
  push(block: Uint8Array): void {
    this.#block = block
    this.#offset = 0
  }

  /**
   * The next whole frame; `undefined` when more bytes are needed; a number when a frame announces that many bytes, which
   * is too much: nothing of it is kept, and the reader is of no more use.
   */
  take(): Uint8Array | number | undefined {
    if (!this.#readLength()) return undefined
    if (this.#length > this.#maxFrameBytes) return this.#length
    const available = this.#block.byteLength - this.#offset
    if (this.#partial === undefined) {
      if (available >= this.#length) return this.#whole(this.#cut(this.#length))
      if (available === 0) return undefined
      // The memory is taken as the peer says; it is bounded, and the system fills it page by page.
      this.#partial = new Uint8Array(this.#length)
      this.#partialBytes = 0
    }
    const part = this.#cut(Math.min(available, this.#length - this.#partialBytes))
    this.#partial.set(part, this.#partialBytes)
    this.#partialBytes += part.byteLength
    return this.#partialBytes === this.#length ? this.#whole(this.#partial) : undefined
  }

  #readLength(): boolean {
    while (this.#lengthBytesRead < lengthBytes) {
      if (this.#offset === this.#block.byteLength) return false
      this.#length = this.#length * 256 + (this.#block[this.#offset] as number)
      this.#lengthBytesRead += 1
      this.#offset += 1
    }
    return true
  }

  #cut(bytes: number): Uint8Array {
    const start = this.#offset
    this.#offset += bytes
    return this.#block.subarray(start, this.#offset)
  }

  #whole(frame: Uint8Array): Uint8Array {
    this.#partial = undefined
    this.#length = 0
    this.#lengthBytesRead = 0
    return frame
  }
}
