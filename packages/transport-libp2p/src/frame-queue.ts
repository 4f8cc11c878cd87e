import { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'

// One write of many frames costs about an eighth of a write for each. Past this size there is nothing more to gain.
const batchBytesMax = 256 * 1024
// Copying a small frame next to its neighbours is cheaper than carrying it as a piece of its own.
const copiedFrameBytesMax = 4096
const lengthBytes = 4

/** Frames waiting to be written, which leave in batches of many frames. It has no bound: its owner watches `bytes`. */
export class FrameQueue {
  #frames: Uint8Array[] = []
  #bytes = 0

  /** The bytes waiting, lengths included. */
  get bytes(): number {
    return this.#bytes
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#bytes += lengthBytes + frame.byteLength
  }

  /** The oldest frames, removed, each after its length in four bytes: at least one, at most about 256 KiB. */
  takeBatch(): Uint8ArrayList {
    const frames = this.#takeFrames()
    let copiedBytes = 0
    for (const frame of frames) copiedBytes += lengthBytes + (isCopied(frame) ? frame.byteLength : 0)
    const block = allocUnsafe(copiedBytes)
    const view = new DataView(block.buffer, block.byteOffset, copiedBytes)
    const batch = new Uint8ArrayList()
    let start = 0
    let end = 0
    for (const frame of frames) {
      view.setUint32(end, frame.byteLength)
      end += lengthBytes
      if (isCopied(frame)) {
        block.set(frame, end)
        end += frame.byteLength
        continue
      }
      batch.append(block.subarray(start, end))
      batch.append(frame)
      start = end
    }
    if (end > start) batch.append(block.subarray(start, end))
    return batch
  }

  clear(): void {
    this.#frames = []
    this.#bytes = 0
  }

  #takeFrames(): Uint8Array[] {
    if (this.#bytes <= batchBytesMax) {
      const all = this.#frames
      this.clear()
      return all
    }
    let count = 0
    let bytes = 0
    while (count < this.#frames.length && (count === 0 || bytes < batchBytesMax)) {
      bytes += lengthBytes + (this.#frames[count] as Uint8Array).byteLength
      count += 1
    }
    this.#bytes -= bytes
    return this.#frames.splice(0, count)
  }
}

function isCopied(frame: Uint8Array): boolean {
  return frame.byteLength <= copiedFrameBytesMax
}
