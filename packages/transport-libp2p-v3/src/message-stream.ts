import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import {
  announceWindowInSteps,
  type LineReader,
  type LineStream,
  setReceiveWindow,
} from '@skerry/transport-libp2p/adapter'
import { Uint8ArrayList } from 'uint8arraylist'

/**
 * A stream of libp2p 3, which is written by `send` and read by its `message` events. It takes bytes only while nothing of ours waits in
 * its own buffer, which has no bound; and it is paused while its reader is full, which keeps the peer's window closed.
 */
export class MessageLineStream implements LineStream {
  readonly #stream: Stream
  #reader: LineReader | undefined
  /** What the reader was told last of all; a reader that comes later is told again. */
  #end: ((reader: LineReader) => void) | undefined
  #isClosing = false
  #wakeIsQueued = false
  #finish!: () => void
  readonly finished: Promise<void>

  constructor(stream: Stream) {
    this.#stream = stream
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
    announceWindowInSteps(stream)
    stream.addEventListener('drain', this.#wake)
    stream.addEventListener('idle', this.#wake)
    stream.addEventListener('end', this.#ended)
    stream.addEventListener('close', this.#closed)
    // Both may have been before.
    if (stream.readableEnded) this.#ended()
    if (stream.status === 'reset' || stream.status === 'aborted')
      this.#broke(new Error(`The stream is ${stream.status}`))
    if (stream.status !== 'open' && stream.status !== 'closing') this.#finish()
  }

  read(reader: LineReader): void {
    const isFirst = this.#reader === undefined
    this.#reader = reader
    const end = this.#end
    // Not at once: it may not have been told yet what it is the reader of.
    if (end !== undefined) void Promise.resolve().then(() => (this.#isClosing ? undefined : end(reader)))
    if (!isFirst) return
    this.#stream.addEventListener('message', this.#message)
    this.resume()
  }

  resume(): void {
    if (this.#stream.readStatus === 'paused') this.#stream.resume()
  }

  setWindow(bytes: number): void {
    // What waits for a paused reader may be the window of before and the new one.
    this.#stream.maxReadBufferLength = Math.max(this.#stream.maxReadBufferLength, 2 * bytes)
    setReceiveWindow(this.#stream, bytes)
  }

  get isWritable(): boolean {
    const { writeStatus, writableNeedsDrain, writeBufferLength } = this.#stream
    return !this.#isClosing && writeStatus === 'writable' && !writableNeedsDrain && writeBufferLength === 0
  }

  write(bytes: Uint8Array | Iterable<Uint8Array>): void {
    try {
      // The list is of this line's own kind; the pieces are not copied.
      this.#stream.send(bytes instanceof Uint8Array ? bytes : new Uint8ArrayList(...bytes))
    } catch (error) {
      this.#broke(error)
    }
  }

  end(): void {
    this.#isClosing = true
    Promise.all([this.#stream.close(), this.#stream.closeRead()]).then(this.#finish, (error: unknown) =>
      this.abort(asError(error)),
    )
  }

  abort(error: Error): void {
    this.#isClosing = true
    this.#stream.abort(error)
    this.#finish()
  }

  readonly #message = ({ data }: StreamMessageEvent): void => {
    if (this.#isClosing || this.#reader === undefined) return
    const isTaken = this.#reader.bytes(data instanceof Uint8Array ? [data] : data)
    if (!isTaken && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  /** Behind what libp2p itself does at such an event, which is to send what waits. */
  readonly #wake = (): void => {
    if (this.#wakeIsQueued) return
    this.#wakeIsQueued = true
    void Promise.resolve().then(() => {
      this.#wakeIsQueued = false
      if (this.isWritable) this.#reader?.writable()
    })
  }

  readonly #ended = (): void => {
    // It ends when it is reset too; that is told by its close.
    const { status } = this.#stream
    if (status !== 'reset' && status !== 'aborted') this.#tell((reader) => reader.ended())
  }

  readonly #closed = ({ error }: StreamCloseEvent): void => {
    if (error !== undefined) this.#broke(error)
    this.#finish()
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
