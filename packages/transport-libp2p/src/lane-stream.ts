import type { Stream } from '@libp2p/interface'
import { TransportError } from '@skerry/core'
import type { Turn, TurnQueue } from '@skerry/core/platform'
import type { RawLane } from '@skerry/core/transport'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import { FrameQueue } from './frame-queue.ts'
import { FrameReader } from './frame-reader.ts'
import { announceWindowInHalves } from './receive-window.ts'

/** A libp2p stream whose first bytes (the preamble) were written or read already. */
export interface OpenedStream {
  readonly stream: Stream
  /** Bytes to write before any frame. */
  readonly preamble: Uint8Array | undefined
  /** Bytes that were read together with the peer's preamble: the beginning of its frames. */
  readonly early: readonly Uint8Array[]
  /** What is still to be read. */
  readonly source: AsyncIterable<Uint8ArrayList>
}

/** How a lane ended. `clean`: the peer closed it after its last frame. */
export interface LaneEnd {
  readonly clean: boolean
  readonly reason: string
}

export interface LaneStreamOptions {
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

// So many leave at once: while the peer works on them we make the next ones. With a hundred calls in flight, all in one write, both
// sides would wait for each other in turn (measured: 34 k calls/s with a write a turn, 41 k with one for all, 65 to 77 k so).
const framesPerWriteMax = 48

type Pull = (result: IteratorResult<Uint8ArrayList | Uint8Array, undefined>) => void

/**
 * One lane over one libp2p stream. Frames leave together, in one write, once this thread has nothing left to do that might send
 * more, or when there are 48: a write costs as much as thirty small frames, at either end. While the lane is paused, or
 * has no listener yet, nothing is read from the stream, so at most yamux's window (256 KiB) waits on our side and the
 * peer's writes wait on its own.
 */
export class LaneStream implements RawLane, Turn {
  readonly #stream: Stream
  readonly #early: readonly Uint8Array[]
  readonly #maxFrameBytes: number
  readonly #waitingBytesMax: number
  readonly #turns: TurnQueue
  readonly #ended: (end: LaneEnd) => void
  readonly #waiting = new FrameQueue()
  readonly #reader: FrameReader
  #preamble: Uint8Array | undefined
  /** `ending`: no more frames either way, but what waits is still written. `over`: nothing is written any more. */
  #state: 'open' | 'ending' | 'over' = 'open'
  /** Set while the stream waits for something to write. */
  #pull: Pull | undefined
  #turnIsQueued = false
  #drainIsOwed = false
  #onDrain: (() => void) | undefined
  #onFrame: ((frame: Uint8Array) => void) | undefined
  #paused = false
  /** Set while the reader waits to be resumed. */
  #resumeReader: (() => void) | undefined
  /** Resolves when the stream is read and written to its end, or broke. Never rejects. */
  readonly finished: Promise<void>

  constructor({ opened, maxFrameBytes, turns, ended }: LaneStreamOptions) {
    this.#stream = opened.stream
    this.#early = opened.early
    this.#preamble = opened.preamble
    this.#maxFrameBytes = maxFrameBytes
    this.#waitingBytesMax = Math.max(waitingBytesMax, 4 * maxFrameBytes)
    this.#turns = turns
    this.#ended = ended
    this.#reader = new FrameReader(maxFrameBytes)
    announceWindowInHalves(opened.stream)
    const written = this.#write()
    const read = this.#read(opened.source)
    this.finished = Promise.all([written, read]).then(() => undefined)
  }

  send(frame: Uint8Array): boolean {
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
    if (this.#waiting.length >= framesPerWriteMax) this.#answerPull()
    else this.#queueTurn()
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

  onFrame(on: (frame: Uint8Array) => void): void {
    this.#onFrame = on
    this.#wakeReader()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wakeReader()
  }

  /** Writes what waits and closes the lane. No frame is taken or delivered from here on. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#stopReading()
    this.#answerPull()
  }

  /** Breaks the lane off. The peer sees a reset. */
  abort(reason: string): void {
    this.#state = 'over'
    this.#waiting.clear()
    this.#stream.abort(new Error(reason))
    this.#wakeReader()
    this.#answerPull()
  }

  /** Drops what waits and closes the lane: for a peer that has closed its end and reads no more. */
  discard(): void {
    this.#waiting.clear()
    this.end()
  }

  runTurn(): void {
    this.#turnIsQueued = false
    this.#answerPull()
    if (!this.#drainIsOwed || this.#waiting.bytes > 0 || this.#state !== 'open') return
    this.#drainIsOwed = false
    this.#onDrain?.()
  }

  async #write(): Promise<void> {
    // Written by hand instead of as an async generator, because the stream calls `return` while `next` waits, and a
    // generator would answer that only after its next frame.
    const batches = {
      [Symbol.asyncIterator]: () => batches,
      next: () =>
        new Promise<IteratorResult<Uint8ArrayList | Uint8Array, undefined>>((pull) => {
          this.#pull = pull
          if (this.#preamble !== undefined || this.#state !== 'open') this.#answerPull()
          else if (this.#waiting.bytes > 0) this.#queueTurn()
        }),
      return: async () => {
        this.#waiting.clear()
        this.#preamble = undefined
        this.#pull?.({ done: true, value: undefined })
        this.#pull = undefined
        return { done: true as const, value: undefined }
      },
    }
    try {
      await pipe(batches, this.#stream)
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  /** One turn is enough for all that is sent until it runs. */
  #queueTurn(): void {
    if (this.#turnIsQueued || this.#pull === undefined) return
    this.#turnIsQueued = true
    if (this.#turns.enqueueIdle === undefined) this.#turns.enqueue(this)
    else this.#turns.enqueueIdle(this)
  }

  #answerPull(): void {
    const pull = this.#pull
    if (pull === undefined) return
    if (this.#preamble !== undefined) {
      this.#pull = undefined
      const preamble = this.#preamble
      this.#preamble = undefined
      pull({ done: false, value: preamble })
    } else if (this.#waiting.bytes > 0) {
      this.#pull = undefined
      pull({ done: false, value: this.#waiting.takeBatch() })
    } else if (this.#state !== 'open') {
      this.#pull = undefined
      pull({ done: true, value: undefined })
    }
  }

  async #read(source: AsyncIterable<Uint8ArrayList>): Promise<void> {
    try {
      await pipe(source, async (chunks) => {
        for (const block of this.#early) await this.#deliver(block)
        for await (const chunk of chunks) {
          for (const block of chunk) await this.#deliver(block)
          if (this.#state !== 'open') return
        }
      })
      if (this.#state === 'open') this.#over({ clean: true, reason: 'The peer closed the lane' })
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  async #deliver(block: Uint8Array): Promise<void> {
    // A plain view: some blocks are Buffers, and a Buffer's methods differ from those that a frame promises.
    this.#reader.push(new Uint8Array(block.buffer, block.byteOffset, block.byteLength))
    for (let frame = this.#reader.take(); frame !== undefined; frame = this.#reader.take()) {
      while (this.#state === 'open' && (this.#paused || this.#onFrame === undefined)) await this.#readerResumed()
      if (this.#state !== 'open') return
      this.#onFrame?.(frame)
    }
  }

  async #readerResumed(): Promise<void> {
    await new Promise<void>((resume) => {
      this.#resumeReader = resume
    })
  }

  #wakeReader(): void {
    this.#resumeReader?.()
    this.#resumeReader = undefined
  }

  #stopReading(): void {
    this.#wakeReader()
    this.#stream.closeRead().catch((error: unknown) => this.abort(messageOf(error)))
  }

  #fail(reason: string): void {
    if (this.#state !== 'open') return
    this.abort(reason)
    this.#ended({ clean: false, reason })
  }

  #over(end: LaneEnd): void {
    this.discard()
    this.#ended(end)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
