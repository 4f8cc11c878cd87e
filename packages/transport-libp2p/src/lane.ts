import { TransportError } from '@skerry/core'
import type { Turn, TurnQueue } from '@skerry/core/platform'
import type { FrameSlice, RawLane } from '@skerry/core/transport'
import { FrameQueue } from './frame-queue.ts'
import { FrameReader } from './frame-reader.ts'
import type { LineReader, LineStream } from './line.ts'

/** A stream whose first bytes (the preamble) are still to be written, or were read already. */
export interface OpenedStream {
  readonly stream: LineStream
  /** Bytes to write before any frame. */
  readonly preamble: Uint8Array | undefined
  /** Bytes that were read together with the peer's preamble: the beginning of its frames. */
  readonly early: readonly Uint8Array[]
}

/** How a lane ended. `clean`: the peer closed it after its last frame. */
export interface LaneEnd {
  readonly clean: boolean
  readonly reason: string
}

export interface LaneOptions {
  readonly opened: OpenedStream
  readonly maxFrameBytes: number
  readonly turns: TurnQueue
  /** Called once, unless `end` or `abort` came first. */
  ended(end: LaneEnd): void
}

// From here on `send` answers false.
const fullBytes = 256 * 1024
// A sender that goes on in spite of that loses the link at this many waiting bytes, or at four of the largest frames.
const waitingBytesMax = 32 * 1024 * 1024

// So many frames, or bytes, leave while the next are made, for the peer to work on meanwhile. Fewer don't pay for the write, which with its
// read costs as much as thirty small frames at either end: a hundred calls that leave as 48 and 52 cost 4.7 us of CPU each at either end, and
// 3.5 in one write. Where both ends have a core of their own that is 0.74 instead of 0.82 of a bare echo's rate, and where they share one, 0.71 instead of 0.53.
const earlyFrames = 256
const earlyBytes = 48 * 1024
// Not before half as many more wait behind them: what is left over would be a write for a handful, and go round as one for good.
const earlyFramesWaiting = earlyFrames * 1.5
const earlyBytesWaiting = earlyBytes * 1.5

// A larger frame may be given back by who reads it, and then the block that it came in is freed.
const sliceBytesMax = 2_048

/**
 * One lane over one stream. Frames leave together, in one write, once this thread has nothing left to do that might send
 * more, and before that 256 of them, or 48 KiB, when half as much again waits behind. While the lane is paused, or has no
 * listener yet, nothing more is taken from the stream, so at most yamux's window waits on our side and the peer's writes
 * wait on its own: 256 KiB, or up to 4 MiB on a long link (`window-size.ts`).
 */
export class Lane implements RawLane, LineReader, Turn {
  readonly copiesSlices = true
  readonly #stream: LineStream
  readonly #maxFrameBytes: number
  readonly #waitingBytesMax: number
  readonly #turns: TurnQueue
  readonly #ended: (end: LaneEnd) => void
  readonly #waiting = new FrameQueue()
  readonly #reader: FrameReader
  /** What came and was not looked at yet. */
  readonly #blocks: Uint8Array[] = []
  /** Whether the reader has a frame at hand whose turn has not come. */
  #hasNext = false
  #preamble: Uint8Array | undefined
  /** `ending`: no more frames either way, but what waits is still written. `over`: nothing is written any more. */
  #state: 'open' | 'ending' | 'over' = 'open'
  #turnIsQueued = false
  #drainIsOwed = false
  #onDrain: (() => void) | undefined
  #onFrame: ((frame: Uint8Array) => unknown) | undefined
  #onSlice: ((block: Uint8Array, from: number, end: number) => unknown) | undefined
  #paused = false
  #isDelivering = false
  /** Set while the stream waits for our word to go on. */
  #isHeld: boolean
  /** Set once the peer has closed the lane, while frames of before still wait to be delivered. */
  #peerEnded = false
  /** Resolves when the stream is written to its end, or broke. Never rejects. */
  readonly finished: Promise<void>

  constructor({ opened, maxFrameBytes, turns, ended }: LaneOptions) {
    this.#stream = opened.stream
    this.#preamble = opened.preamble
    this.#maxFrameBytes = maxFrameBytes
    this.#waitingBytesMax = Math.max(waitingBytesMax, 4 * maxFrameBytes)
    this.#turns = turns
    this.#ended = ended
    this.#reader = new FrameReader(maxFrameBytes, opened.stream.handsOver)
    for (const block of opened.early) this.#blocks.push(plain(block))
    // The one who read the preamble left it so.
    this.#isHeld = opened.preamble === undefined
    this.finished = opened.stream.finished
    opened.stream.read(this)
    this.#flush()
    this.#goOn()
  }

  send(frame: Uint8Array): boolean {
    return this.#send(frame)
  }

  sendSlice(frame: FrameSlice): boolean {
    return this.#send(frame)
  }

  #send(frame: Uint8Array | FrameSlice): boolean {
    this.#checkSize(frame.byteLength)
    if (this.#state !== 'open') return false
    this.#waiting.push(frame)
    return this.#pushed()
  }

  sendPieces(head: Uint8Array, body: Uint8Array): boolean {
    this.#checkSize(head.byteLength + body.byteLength)
    if (this.#state !== 'open') return false
    this.#waiting.pushPieces(head, body)
    return this.#pushed()
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#maxFrameBytes) return
    const problem = `A frame of ${bytes} bytes; the maximum is ${this.#maxFrameBytes}`
    throw new TransportError('ERR_FRAME_TOO_LARGE', problem)
  }

  #pushed(): boolean {
    if (this.#waiting.length >= earlyFramesWaiting || this.#waiting.bytes >= earlyBytesWaiting) this.#writeSome()
    this.#queueTurn()
    if (this.#waiting.bytes < fullBytes) return true
    this.#drainIsOwed = true
    if (this.#waiting.bytes > this.#waitingBytesMax) {
      this.#fail(`${this.#waiting.bytes} bytes wait to be sent; the peer does not keep up`)
    }
    return false
  }

  onDrain(on: () => void): void {
    this.#onDrain = on
  }

  onSlice(on: (block: Uint8Array, from: number, end: number) => unknown): void {
    this.#onSlice = on
  }

  onFrame(on: (frame: Uint8Array) => unknown): void {
    this.#onFrame = on
    this.#goOn()
  }

  setWindow(bytes: number): void {
    if (this.#state === 'open') this.#stream.setWindow?.(bytes)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#goOn()
  }

  /** Writes what waits and closes the lane. No frame is taken or delivered from here on. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#dropUnread()
    this.#flush()
  }

  /** Breaks the lane off. The peer sees a reset. */
  abort(reason: string): void {
    this.#state = 'over'
    this.#waiting.clear()
    this.#dropUnread()
    this.#stream.abort(new Error(reason))
  }

  /** Drops what waits and closes the lane: for a peer that has closed its end and reads no more. */
  discard(): void {
    this.#waiting.clear()
    this.end()
  }

  runTurn(): void {
    this.#turnIsQueued = false
    this.#flush()
    if (!this.#drainIsOwed || this.#waiting.bytes > 0 || this.#state !== 'open') return
    this.#drainIsOwed = false
    this.#onDrain?.()
  }

  bytes(bytes: Iterable<Uint8Array>): boolean {
    if (this.#state !== 'open') return true
    for (const block of bytes) this.#blocks.push(plain(block))
    this.#isHeld = !this.#deliver()
    return !this.#isHeld
  }

  writable(): void {
    if (this.#preamble !== undefined || this.#state !== 'open') this.#flush()
    // Also when all has left behind the preamble: the turn tells who waits for that.
    if (this.#waiting.bytes > 0 || this.#drainIsOwed) this.#queueTurn()
  }

  ended(): void {
    if (this.#state !== 'open') return
    this.#peerEnded = true
    if (this.#blocks.length === 0 && !this.#isHeld) this.#over()
  }

  broke(error: Error): void {
    this.#fail(error.message)
  }

  /** One turn is enough for all that is sent until it runs. */
  #queueTurn(): void {
    if (this.#turnIsQueued || !this.#stream.isWritable) return
    this.#turnIsQueued = true
    if (this.#turns.enqueueIdle === undefined) this.#turns.enqueue(this)
    else this.#turns.enqueueIdle(this)
  }

  /** More is on its way behind these. */
  #writeSome(): void {
    if (this.#stream.isWritable && this.#preamble === undefined)
      this.#stream.write(this.#waiting.takeBatch(earlyFrames, earlyBytes))
  }

  #flush(): void {
    while (this.#stream.isWritable) {
      if (this.#preamble !== undefined) {
        const preamble = this.#preamble
        this.#preamble = undefined
        this.#stream.write(preamble)
      } else if (this.#waiting.bytes > 0) {
        this.#stream.write(this.#waiting.takeBatch())
      } else {
        if (this.#state === 'ending') this.#stream.end()
        return
      }
    }
  }

  /** Whether all that came is delivered, and more may come. */
  #deliver(): boolean {
    // From within a listener: the loop below goes on after it.
    if (this.#isDelivering) return false
    this.#isDelivering = true
    try {
      while (this.#state === 'open') {
        // The length of the next one is judged also while nobody takes it.
        this.#hasNext ||= this.#reader.next()
        if (this.#hasNext) {
          if (this.#paused || this.#onFrame === undefined) return false
          this.#hasNext = false
          this.#handOver(this.#onFrame)
          continue
        }
        const block = this.#blocks.shift()
        if (block === undefined) return true
        this.#reader.push(block)
      }
      return true
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
      return true
    } finally {
      this.#isDelivering = false
    }
  }

  /** Small ones without an array for each, which would cost as much as to read it. */
  #handOver(onFrame: (frame: Uint8Array) => unknown): void {
    const { within, from, end } = this.#reader
    if (this.#onSlice !== undefined && end - from < sliceBytesMax) {
      if (this.#onSlice(within, from, end) === true) this.#reader.giveBack()
      return
    }
    if (onFrame(this.#reader.view()) === true) this.#reader.giveBack()
  }

  #goOn(): void {
    if (!this.#isHeld || !this.#deliver()) return
    this.#isHeld = false
    if (this.#state !== 'open') return
    if (this.#peerEnded) this.#over()
    else this.#stream.resume()
  }

  #dropUnread(): void {
    this.#blocks.length = 0
    this.#hasNext = false
  }

  #fail(reason: string): void {
    if (this.#state !== 'open') return
    this.abort(reason)
    this.#ended({ clean: false, reason })
  }

  #over(): void {
    this.discard()
    this.#ended({ clean: true, reason: 'The peer closed the lane' })
  }
}

/** Some blocks are Buffers, and a Buffer's methods differ from those that a frame promises: its `slice` is no copy. */
function plain(block: Uint8Array): Uint8Array {
  return new Uint8Array(block.buffer, block.byteOffset, block.byteLength)
}
