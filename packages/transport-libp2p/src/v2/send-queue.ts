import type { Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { withNext } from './with-next.ts'

// From here on no stream writes more, until half of it has left.
const writtenBytesMax = 1_024 * 1_024
// From here on, and four of the largest frames more, nothing is read of the connection, until half of it has left. It is out of reach of what streams
// write (a batch of each lane of a link more, once the peer gives it room), or two nodes that send each other all they can might both wait for the
// other to read.
const answersBytesLeast = 4 * writtenBytesMax
// What a frame takes beside its bytes, about.
const frameCostBytes = 256

type Chunk = Uint8Array | Uint8ArrayList

/**
 * What a yamux muxer of libp2p 2 has handed over and the socket has not taken. yamux hands over without looking: what its streams write, as far as the
 * peer says that it has room, and an answer to each ping, to each stream too many, to each piece that a stream reads. So a peer that reads nothing
 * from its socket, and goes on to give room or to ask, would have our memory for it.
 *
 * A frame counts its bytes and 256 more. From 1 MiB on, streams wait with what they write. From 8 MiB on (with frames of 1 MiB), which takes
 * answers, or room given in crumbs, nothing is read of the connection: who does not read is not read, and loses its links for want of heartbeats.
 */
export class SendQueue {
  #bytes = 0
  /** Nobody may wait for room while nobody makes it. */
  #isTaken = false
  readonly #writers = new Set<() => void>()
  #reader: (() => void) | undefined
  readonly #answersBytesMax: number

  constructor(maxFrameBytes: number) {
    this.#answersBytesMax = answersBytesLeast + 4 * maxFrameBytes
  }

  /** Whether a stream may write. */
  get hasRoom(): boolean {
    return this.#bytes < writtenBytesMax || !this.#isTaken
  }

  get #isReadable(): boolean {
    return this.#bytes < this.#answersBytesMax || !this.#isTaken
  }

  /** From here on all that is handed over is taken, too. */
  begin(): void {
    this.#isTaken = true
  }

  added(frame: Chunk): void {
    this.#bytes += frame.byteLength + frameCostBytes
  }

  taken(frame: Chunk): void {
    this.#bytes -= frame.byteLength + frameCostBytes
    if (this.#writers.size > 0 && this.#bytes <= writtenBytesMax / 2) this.#wakeWriters()
    if (this.#reader !== undefined && this.#bytes <= this.#answersBytesMax / 2) this.#wakeReader()
  }

  /** The connection takes no more: who waits goes on, to find that out. */
  end(): void {
    this.#isTaken = false
    this.#wakeWriters()
    this.#wakeReader()
  }

  /** Resolves when there is room for one more, who may find that another was before it, or when the signal is aborted. */
  async room(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#writers.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      signal?.addEventListener('abort', wake)
      this.#writers.add(wake)
    })
  }

  /** The same chunks, while no more waits than may. */
  paced<Read>(source: AsyncIterable<Read>): AsyncGenerator<Read> {
    const chunks = source[Symbol.asyncIterator]()
    return withNext(chunks, () => (this.#isReadable ? chunks.next() : this.#readable().then(() => chunks.next())))
  }

  async #readable(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#reader = resolve
    })
  }

  #wakeWriters(): void {
    for (const wake of [...this.#writers]) wake()
  }

  #wakeReader(): void {
    this.#reader?.()
    this.#reader = undefined
  }
}

const queues = new WeakMap<object, SendQueue>()

/** The queue of what a muxer sends, for who takes it from there. */
export function sendQueueOf(source: object): SendQueue | undefined {
  return queues.get(source)
}

/** The same muxer, whose connections each have a {@link SendQueue}. */
export function withSendQueues<Components>(
  muxer: (components: Components) => StreamMuxerFactory,
  maxFrameBytes: number,
): (components: Components) => StreamMuxerFactory {
  return (components) => {
    const factory = muxer(components)
    return {
      protocol: factory.protocol,
      createStreamMuxer({ onIncomingStream, ...init } = {}): StreamMuxer {
        const queue = new SendQueue(maxFrameBytes)
        const streams = factory.createStreamMuxer({
          ...init,
          onIncomingStream: (stream) => onIncomingStream?.(awaitingRoom(stream, queue)),
        })
        const { source } = streams
        // Another version may hand over what it sends in another way; then it works as it comes.
        if (!isPushable(source)) return streams
        queues.set(source, queue)
        const push = source.push.bind(source)
        source.push = (frame) => {
          queue.added(frame)
          return push(frame)
        }
        const sink = streams.sink.bind(streams)
        streams.sink = (read) => sink(Symbol.asyncIterator in read ? queue.paced(read) : read)
        const newStream = streams.newStream.bind(streams)
        streams.newStream = async (name) => awaitingRoom(await newStream(name), queue)
        return streams
      },
    }
  }
}

interface Pushable {
  push(frame: Chunk): unknown
}

function isPushable(source: object): source is Pushable {
  return 'push' in source && typeof source.push === 'function'
}

/** The part of yamux's stream that sends a chunk, in frames of what room the peer has. */
interface Sending {
  sendData(data: Uint8ArrayList, options?: { readonly signal?: AbortSignal }): Promise<void>
}

function awaitingRoom(stream: Stream, queue: SendQueue): Stream {
  if (!isSending(stream)) return stream
  const sendData = stream.sendData.bind(stream)
  stream.sendData = (data, options) => {
    return queue.hasRoom ? sendData(data, options) : sendLater(data, options)
  }
  const sendLater: typeof sendData = async (data, options) => {
    // All that wait are woken at once; each looks right before it writes.
    while (!queue.hasRoom && options?.signal?.aborted !== true) await queue.room(options?.signal)
    // It would wait for the peer's room for ever: the signal says no more that it is over.
    if (options?.signal?.aborted !== true && !isBroken(stream)) await sendData(data, options)
  }
  return stream
}

function isSending(stream: object): stream is Sending {
  return 'sendData' in stream && typeof stream.sendData === 'function'
}

function isBroken({ status }: Stream): boolean {
  return status === 'aborted' || status === 'reset'
}
