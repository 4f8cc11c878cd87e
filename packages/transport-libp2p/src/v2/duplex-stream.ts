import type { Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { LineReader, LineStream } from '../line.ts'
import { announceWindowInSteps, setReceiveWindow } from '../receive-window.ts'
import { joinSmallPieces } from './joined-pieces.ts'

type Pull = (result: IteratorResult<Uint8ArrayList | Uint8Array, undefined>) => void

/** A stream of libp2p 2, which has a sink that pulls and a source to be pulled from, as one that is written and read from. */
export class DuplexStream implements LineStream {
  /** Each message of Noise is decrypted to memory of its own (`noise-streams.ts`), and yamux cuts it up without a copy. */
  readonly handsOver = true
  readonly #stream: Stream
  #reader: LineReader | undefined
  /** What the reader was told last of all; a reader that comes later is told again. */
  #end: ((reader: LineReader) => void) | undefined
  /** Set while the stream waits for something to write. */
  #pull: Pull | undefined
  #isClosing = false
  /** Set while the source waits to be read on. */
  #resume: (() => void) | undefined
  #finish!: () => void
  readonly finished: Promise<void>

  constructor(stream: Stream) {
    this.#stream = stream
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
    announceWindowInSteps(stream)
    joinSmallPieces(stream)
  }

  read(reader: LineReader): void {
    const isFirst = this.#reader === undefined
    this.#reader = reader
    if (isFirst) void Promise.all([this.#writeAll(), this.#readAll()]).then(this.#finish)
    const end = this.#end
    // Not at once: it may not have been told yet what it is the reader of.
    if (end !== undefined) void Promise.resolve().then(() => (this.#isClosing ? undefined : end(reader)))
  }

  resume(): void {
    this.#resume?.()
    this.#resume = undefined
  }

  setWindow(bytes: number): void {
    setReceiveWindow(this.#stream, bytes)
  }

  get isWritable(): boolean {
    return this.#pull !== undefined
  }

  write(bytes: Uint8Array | Uint8ArrayList): void {
    this.#answer({ done: false, value: bytes })
  }

  end(): void {
    this.#close()
    this.#stream.closeRead().catch((error: unknown) => this.abort(asError(error)))
  }

  abort(error: Error): void {
    this.#stream.abort(error)
    this.#close()
  }

  #close(): void {
    this.#isClosing = true
    this.resume()
    this.#answer({ done: true, value: undefined })
  }

  #answer(result: Parameters<Pull>[0]): void {
    const pull = this.#pull
    this.#pull = undefined
    pull?.(result)
  }

  async #writeAll(): Promise<void> {
    // Written by hand instead of as an async generator, because the stream calls `return` while `next` waits, and a
    // generator would answer that only after its next frame.
    const written = {
      [Symbol.asyncIterator]: () => written,
      next: () =>
        new Promise<Parameters<Pull>[0]>((pull) => {
          this.#pull = pull
          if (this.#isClosing) this.#answer({ done: true, value: undefined })
          else this.#reader?.writable()
        }),
      return: async () => {
        this.#answer({ done: true, value: undefined })
        return { done: true as const, value: undefined }
      },
    }
    try {
      await pipe(written, this.#stream)
    } catch (error) {
      this.#broke(error)
    }
  }

  async #readAll(): Promise<void> {
    try {
      await pipe(this.#stream.source, async (chunks) => {
        for await (const chunk of chunks) {
          if (this.#isClosing) return
          if (this.#reader?.bytes(chunk) === false) await this.#resumed()
        }
      })
      this.#tell((reader) => reader.ended())
    } catch (error) {
      this.#broke(error)
    }
  }

  async #resumed(): Promise<void> {
    if (this.#isClosing) return
    await new Promise<void>((resume) => {
      this.#resume = resume
    })
  }

  #broke(error: unknown): void {
    const isByPeer = this.#stream.status === 'reset'
    this.#tell((reader) => reader.broke(asError(error), isByPeer))
  }

  #tell(end: (reader: LineReader) => void): void {
    if (this.#isClosing || this.#end !== undefined) return
    this.#end = end
    if (this.#reader !== undefined) end(this.#reader)
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
