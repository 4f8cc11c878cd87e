import { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'

// One write of many frames costs about an eighth of a write for each. Past this size there is nothing more to gain.
const batchBytesMax = 256 * 1024
// Copying a small frame next to its neighbours is cheaper than carrying it as a piece of its own.
const copiedFrameBytesMax = 4096
const lengthBytes = 4

/** A frame, or its two pieces. */
type QueuedFrame = Uint8Array | { readonly head: Uint8Array; readonly body: Uint8Array; readonly byteLength: number }

/** Frames waiting to be written, which leave in batches of many frames. It has no bound: its owner watches `bytes`. */
export class FrameQueue {
  #frames: QueuedFrame[] = []
  #bytes = 0

  /** The bytes waiting, lengths included. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many wait. */
  get length(): number {
    return this.#frames.length
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#bytes += lengthBytes + frame.byteLength
  }

  /** A frame of two pieces. The second leaves as it is, without a copy. */
  pushPieces(head: Uint8Array, body: Uint8Array): void {
    const frame = { head, body, byteLength: head.byteLength + body.byteLength }
    this.#frames.push(frame)
    this.#bytes += lengthBytes + frame.byteLength
  }

  /** The oldest frames, removed, each after its length in four bytes: at least one, at most about 256 KiB. */
  takeBatch(): Uint8ArrayList {
    const frames = this.#takeFrames()
    let copiedBytes = 0
    for (const frame of frames) copiedBytes += lengthBytes + (copiedPiece(frame)?.byteLength ?? 0)
    const block = allocUnsafe(copiedBytes)
    const view = new DataView(block.buffer, block.byteOffset, copiedBytes)
    const batch = new Uint8ArrayList()
    let start = 0
    let end = 0
    for (const frame of frames) {
      view.setUint32(end, frame.byteLength)
      end += lengthBytes
      const copied = copiedPiece(frame)
      if (copied !== undefined) {
        block.set(copied, end)
        end += copied.byteLength
        if (copied === frame) continue
      }
      batch.append(block.subarray(start, end))
      batch.append(frame instanceof Uint8Array ? frame : frame.body)
      start = end
    }
    if (end > start) batch.append(block.subarray(start, end))
    return batch
  }

  clear(): void {
    this.#frames = []
    this.#bytes = 0
  }

  #takeFrames(): QueuedFrame[] {
    if (this.#bytes <= batchBytesMax) {
      const all = this.#frames
      this.clear()
      return all
    }
    let count = 0
    let bytes = 0
    while (count < this.#frames.length && (count === 0 || bytes < batchBytesMax)) {
      bytes += lengthBytes + (this.#frames[count] as QueuedFrame).byteLength
      count += 1
    }
    this.#bytes -= bytes
    return this.#frames.splice(0, count)
  }
}

/** What of a frame goes next to its neighbours. */
function copiedPiece(frame: QueuedFrame): Uint8Array | undefined {
  if (!(frame instanceof Uint8Array)) return frame.head
  return frame.byteLength <= copiedFrameBytesMax ? frame : undefined
}
