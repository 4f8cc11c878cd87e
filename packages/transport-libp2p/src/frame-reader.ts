import { TransportError } from '@skerry/core'
import { allocUnsafe } from 'uint8arrays/alloc'
import { giveBack } from './give-back.ts'
import { type ReadBlock, readBlock } from './read-block.ts'

const noBytes = new Uint8Array(0)

/**
 * Cuts a stream of bytes into frames: a length of four bytes, big-endian, and that many bytes. A frame that came whole
 * in one block stays there; only one that straddles blocks is copied, once. A block is freed once every frame in it was given back, or read by
 * somebody who said so.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #freesBlocks: boolean
  #block: Uint8Array = noBytes
  #offset = 0
  /** Counts who may still read of the block, if it may be freed. */
  #readers: ReadBlock | undefined
  #within: Uint8Array = noBytes
  #from = 0
  #end = 0
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
    this.#leaveBlock()
    this.#block = block
    this.#offset = 0
    this.#readers = this.#freesBlocks ? readBlock(block) : undefined
  }

  /** Nobody reads the frame at hand any more. */
  giveBack(): void {
    if (this.#within === this.#block) this.#readers?.partWasRead()
    else giveBack(this.#within)
  }

  /** Where the frame at hand stands: the bytes from `from` to `end`. Nobody writes to them any more. */
  get within(): Uint8Array {
    return this.#within
  }

  get from(): number {
    return this.#from
  }

  get end(): number {
    return this.#end
  }

  /** The frame at hand, as an array of its own, which is no copy. */
  view(): Uint8Array {
    return this.#within.subarray(this.#from, this.#end)
  }

  /**
   * Goes on to the next whole frame, which is then at hand; `false` when more bytes are needed. Throws `ERR_FRAME_TOO_LARGE` when a
   * frame announces more than the maximum, before anything of it is kept.
   */
  next(): boolean {
    if (this.#length === -1 && !this.#readLength()) return false
    const available = this.#block.byteLength - this.#offset
    if (this.#straddling === undefined) {
      if (available >= this.#length) {
        this.#found(this.#block, this.#offset)
        this.#offset = this.#end
        this.#readers?.partWasKept()
        return true
      }
      if (available === 0) {
        this.#leaveBlock()
        return false
      }
      this.#straddling = allocUnsafe(this.#length)
    }
    const part = this.#block.subarray(this.#offset, this.#offset + this.#length - this.#straddlingBytes)
    this.#straddling.set(part, this.#straddlingBytes)
    this.#straddlingBytes += part.byteLength
    this.#offset += part.byteLength
    if (this.#straddlingBytes < this.#length) {
      this.#leaveBlock()
      return false
    }
    this.#found(this.#straddling, 0)
    this.#straddling = undefined
    this.#straddlingBytes = 0
    return true
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

  /** There is no further frame in it. */
  #leaveBlock(): void {
    this.#readers?.leave()
    this.#readers = undefined
    this.#block = noBytes
    this.#offset = 0
  }

  #found(within: Uint8Array, from: number): void {
    this.#within = within
    this.#from = from
    this.#end = from + this.#length
    this.#length = -1
  }
}
