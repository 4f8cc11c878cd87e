import type { FrameSlice } from '@skerry/core/transport'
import { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'

// One write of many frames costs about an eighth of a write for each. Past this size there is nothing more to gain.
const batchBytesMax = 256 * 1024
// Copying a small frame next to its neighbours is cheaper than carrying it as a piece of its own.
const copiedFrameBytesMax = 4096
// Up to here a loop beats the system's copy, which needs a view of what it copies.
const loopedFrameBytesMax = 64
const lengthBytes = 4

interface FramePieces {
  readonly head: Uint8Array
  readonly body: Uint8Array
  readonly byteLength: number
}

type QueuedFrame = Uint8Array | FrameSlice | FramePieces

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

  push(frame: Uint8Array | FrameSlice): void {
    this.#frames.push(frame)
    this.#bytes += lengthBytes + frame.byteLength
  }

  /** A frame of two pieces. The second leaves as it is, without a copy. */
  pushPieces(head: Uint8Array, body: Uint8Array): void {
    const frame = { head, body, byteLength: head.byteLength + body.byteLength }
    this.#frames.push(frame)
    this.#bytes += lengthBytes + frame.byteLength
  }

  /** The oldest frames, removed, each after its length in four bytes: at least one, at most `framesMax` and about 256 KiB. */
  takeBatch(framesMax: number = Infinity): Uint8ArrayList {
    const frames = this.#takeFrames(framesMax)
    let copiedBytes = 0
    for (const frame of frames) copiedBytes += lengthBytes + copiedLength(frame)
    const block = allocUnsafe(copiedBytes)
    const batch = new Uint8ArrayList()
    let start = 0
    let end = 0
    for (const frame of frames) {
      const { byteLength } = frame
      block[end] = byteLength >>> 24
      block[end + 1] = byteLength >>> 16
      block[end + 2] = byteLength >>> 8
      block[end + 3] = byteLength
      end += lengthBytes
      if (!('head' in frame) && byteLength <= copiedFrameBytesMax) {
        copyFrame(frame, block, end)
        end += byteLength
        continue
      }
      if ('head' in frame) {
        block.set(frame.head, end)
        end += frame.head.byteLength
      }
      batch.append(block.subarray(start, end))
      batch.append('head' in frame ? frame.body : frame instanceof Uint8Array ? frame : frame.view())
      start = end
    }
    if (end > start) batch.append(block.subarray(start, end))
    return batch
  }

  clear(): void {
    this.#frames = []
    this.#bytes = 0
  }

  #takeFrames(framesMax: number): QueuedFrame[] {
    if (this.#bytes <= batchBytesMax && this.#frames.length <= framesMax) {
      const all = this.#frames
      this.clear()
      return all
    }
    let count = 0
    let bytes = 0
    while (count < Math.min(this.#frames.length, framesMax) && (count === 0 || bytes < batchBytesMax)) {
      bytes += lengthBytes + (this.#frames[count] as QueuedFrame).byteLength
      count += 1
    }
    this.#bytes -= bytes
    return this.#frames.splice(0, count)
  }
}

/** How much of a frame goes next to its neighbours. */
function copiedLength(frame: QueuedFrame): number {
  if ('head' in frame) return frame.head.byteLength
  return frame.byteLength <= copiedFrameBytesMax ? frame.byteLength : 0
}

function copyFrame(frame: Uint8Array | FrameSlice, block: Uint8Array, at: number): void {
  if (frame instanceof Uint8Array) {
    block.set(frame, at)
    return
  }
  if (frame.byteLength > loopedFrameBytesMax) {
    block.set(frame.view(), at)
    return
  }
  const source = frame.block
  for (let from = frame.from, to = at; from < frame.end; from += 1, to += 1) block[to] = source[from] as number
}
