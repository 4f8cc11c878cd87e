import type { FrameSlice } from '@skerry/core/transport'
import { Uint8ArrayList } from 'uint8arraylist'
import { type WriteBlock, writeBlock, writeBlockBytesMax } from './write-block.ts'

// One write of many frames costs about an eighth of a write for each. Past this size there is nothing more to gain.
const batchBytesMax = 256 * 1024
// Copying a small frame next to its neighbours is cheaper than carrying it as a piece of its own.
const copiedFrameBytesMax = 4096
// Up to here a loop beats the system's copy, which needs a view of what it copies.
const loopedFrameBytesMax = 64
const lengthBytes = 4

/** Bytes of one frame or of several behind each other, from `from` to `end`. */
interface Run {
  readonly bytes: Uint8Array
  from: number
  end: number
}

/**
 * Frames waiting to be written, which leave in batches of many frames. It has no bound: its owner watches `bytes`. Small ones are copied at
 * once, behind each other to blocks of this queue's own: so what waits keeps nothing alive but its own bytes, and at most one block that is not full.
 */
export class FrameQueue {
  #lengths: number[] = []
  #runs: Run[] = []
  #bytes = 0
  /** What frames are copied to. */
  #block: WriteBlock | undefined
  /** Came since nothing waited. */
  #burstBytes = 0
  /** How large bursts have been of late. */
  #usualBytes = 0

  /** The bytes waiting, lengths included. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many wait. */
  get length(): number {
    return this.#lengths.length
  }

  /** A frame within a block has been copied by the time that this returns. */
  push(frame: Uint8Array | FrameSlice): void {
    const { byteLength } = frame
    this.#came(byteLength)
    if (byteLength <= copiedFrameBytesMax) {
      const at = this.#begin(byteLength, byteLength)
      copyFrame(frame, (this.#block as WriteBlock).bytes, at)
      return
    }
    this.#begin(byteLength, 0)
    this.#carry(frame instanceof Uint8Array ? frame : alone(frame))
  }

  /** A frame of two pieces. The second leaves as it is, without a copy. */
  pushPieces(head: Uint8Array, body: Uint8Array): void {
    const byteLength = head.byteLength + body.byteLength
    this.#came(byteLength)
    const at = this.#begin(byteLength, head.byteLength)
    ;(this.#block as WriteBlock).bytes.set(head, at)
    this.#carry(body)
  }

  /** The oldest frames, removed, each after its length in four bytes: at least one, at most `framesMax`, and none once there are `bytesMax`. */
  takeBatch(framesMax: number = Infinity, bytesMax: number = batchBytesMax): Uint8ArrayList {
    const batch = new Uint8ArrayList()
    let left = this.#takeLengths(framesMax, bytesMax)
    this.#bytes -= left
    let whole = 0
    for (const run of this.#runs) {
      const end = Math.min(run.end, run.from + left)
      batch.append(run.bytes.subarray(run.from, end))
      left -= end - run.from
      run.from = end
      if (end < run.end) break
      whole += 1
      if (left === 0) break
    }
    if (whole === this.#runs.length) this.#emptied()
    else this.#runs.splice(0, whole)
    return batch
  }

  clear(): void {
    this.#lengths = []
    this.#bytes = 0
    this.#emptied()
  }

  #came(byteLength: number): void {
    this.#lengths.push(lengthBytes + byteLength)
    this.#bytes += lengthBytes + byteLength
  }

  /** Writes a frame's length, and makes room for so many bytes behind it, of which it gives the place. */
  #begin(byteLength: number, copiedBytes: number): number {
    const room = lengthBytes + copiedBytes
    let block = this.#block
    if (block === undefined || block.bytes.byteLength - block.end < room) {
      block?.seal()
      block = writeBlock(Math.max(room, Math.min(writeBlockBytesMax, Math.max(this.#usualBytes, this.#burstBytes))))
      this.#block = block
      this.#runs.push({ bytes: block.bytes, from: 0, end: 0 })
    }
    const { bytes, end } = block
    const last = this.#runs.at(-1)
    if (last?.bytes === bytes) last.end = end + room
    else this.#runs.push({ bytes, from: end, end: end + room })
    block.end = end + room
    this.#burstBytes += room
    bytes[end] = byteLength >>> 24
    bytes[end + 1] = byteLength >>> 16
    bytes[end + 2] = byteLength >>> 8
    bytes[end + 3] = byteLength
    return end + lengthBytes
  }

  #carry(bytes: Uint8Array): void {
    if (bytes.byteLength > 0) this.#runs.push({ bytes, from: 0, end: bytes.byteLength })
  }

  /** Nothing waits, and a queue that waits for nothing holds no block. */
  #emptied(): void {
    this.#runs = []
    this.#block?.seal()
    this.#block = undefined
    this.#usualBytes = Math.max(this.#burstBytes, this.#usualBytes >>> 1)
    this.#burstBytes = 0
  }

  /** How many bytes the batch has. */
  #takeLengths(framesMax: number, bytesMax: number): number {
    const lengths = this.#lengths
    if (this.#bytes <= bytesMax && lengths.length <= framesMax) {
      this.#lengths = []
      return this.#bytes
    }
    let count = 0
    let bytes = 0
    while (count < Math.min(lengths.length, framesMax) && (count === 0 || bytes < bytesMax)) {
      bytes += lengths[count] as number
      count += 1
    }
    lengths.splice(0, count)
    return bytes
  }
}

/** The block of others is written over. */
function alone(frame: FrameSlice): Uint8Array {
  return frame.byteLength === frame.block.buffer.byteLength ? frame.block : frame.view().slice()
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
