import type {
  ConnectionProtector,
  MessageStream,
  Stream,
  StreamMessageEvent,
  StreamMuxer,
  StreamMuxerFactory,
} from '@libp2p/interface'
import { laneProtocol, MultistreamGuard } from '@skerry/transport-libp2p/adapter'
import { boundAnswers } from './bounded-answers.ts'
import { boundFrames } from './bounded-frames.ts'
import { sendInOneWrite } from './one-write.ts'

/** Guards what strangers say first: libp2p hands it every connection, of either direction, before it reads anything. */
export function guardConnections(isEncrypter: (protocol: string) => boolean): () => ConnectionProtector {
  return () => ({
    async protect(connection: MessageStream): Promise<MessageStream> {
      sendInOneWrite(connection)
      guard(connection, isEncrypter)
      return connection
    },
  })
}

/** Guards what members say first on each of their streams, and the frames that it comes in. `isHandled`: whether there is such a protocol. */
export function guardStreams(
  muxer: () => StreamMuxerFactory,
  isHandled: (protocol: string) => boolean,
): () => StreamMuxerFactory {
  return () => {
    const factory = muxer()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, {
      createStreamMuxer(connection: MessageStream): StreamMuxer {
        const streams = createStreamMuxer(connection)
        boundFrames(streams)
        boundAnswers(streams, connection)
        const createStream = streams.createStream.bind(streams)
        streams.createStream = async (options) => guardStream(await createStream(options), isHandled)
        // Not as a listener: with one, streams that come before libp2p has its own are handed to it alone.
        before(streams, 'stream', (event) => void guardStream((event as CustomEvent<Stream>).detail, isHandled))
        return streams
      },
    })
  }
}

/**
 * Watches the negotiation at the beginning of a stream, and aborts the stream where it is none. It sees the bytes as whoever reads
 * them does, right before.
 */
export function guard(stream: MessageStream, isChosen: (protocol: string) => boolean): void {
  const negotiation = new MultistreamGuard(isChosen)
  before(stream, 'message', (event) => {
    if (negotiation.isOver) return
    try {
      const { data } = event as StreamMessageEvent
      negotiation.check(data)
    } catch (error) {
      stream.abort(error as Error)
    }
  })
}

/**
 * As {@link guard}; a lane's stream is paused once it is negotiated. libp2p goes on to make room for more while nobody listens, and it
 * takes its time (the peer's record is written) before it hands a stream over.
 */
function guardStream(stream: Stream, isHandled: (protocol: string) => boolean): Stream {
  guard(stream, (protocol) => {
    if (!isHandled(protocol)) return false
    // After what is under way: paused now, a stream would never acknowledge that it was opened.
    if (protocol === laneProtocol) void Promise.resolve().then(() => pauseIfOpen(stream))
    return true
  })
  return stream
}

function pauseIfOpen(stream: Stream): void {
  if (stream.readStatus === 'readable') stream.pause()
}

/** Calls `look` with each event of a type before any listener. */
function before(target: Pick<EventTarget, 'dispatchEvent'>, type: string, look: (event: Event) => void): void {
  const dispatchEvent = target.dispatchEvent.bind(target)
  target.dispatchEvent = (event) => {
    if (event.type === type) look(event)
    return dispatchEvent(event)
  }
}
