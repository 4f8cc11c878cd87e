import type {
  ConnectionProtector,
  MultiaddrConnection,
  Stream,
  StreamMuxer,
  StreamMuxerFactory,
  StreamMuxerInit,
} from '@libp2p/interface'
import { boundFrames } from './bounded-frames.ts'
import { noteSocket } from './connection-sockets.ts'
import { guarded } from './guarded-source.ts'
import { readInTurns } from './in-turns.ts'

/** Guards what strangers say first: libp2p hands it every connection, of either direction, before it reads anything. */
export function guardConnections(isEncrypter: (protocol: string) => boolean): () => ConnectionProtector {
  return () => ({
    async protect(connection: MultiaddrConnection): Promise<MultiaddrConnection> {
      noteSocket(connection)
      connection.source = guarded(connection.source, isEncrypter)
      return connection
    },
  })
}

/** Guards what members say first on each of their streams, the frames that it comes in, and how long they keep the thread. `isHandled`: whether there is such a protocol. */
export function guardStreams<Components>(
  muxer: (components: Components) => StreamMuxerFactory,
  isHandled: (protocol: string) => boolean,
): (components: Components) => StreamMuxerFactory {
  const guard = (stream: Stream): Stream => {
    stream.source = guarded(stream.source, isHandled)
    return stream
  }
  return (components) => {
    const factory = muxer(components)
    return {
      protocol: factory.protocol,
      createStreamMuxer(init: StreamMuxerInit): StreamMuxer {
        const streams = factory.createStreamMuxer({
          ...init,
          onIncomingStream: (stream) => init.onIncomingStream?.(guard(stream)),
        })
        boundFrames(streams)
        readInTurns(streams)
        const newStream = streams.newStream.bind(streams)
        streams.newStream = async (name) => guard(await newStream(name))
        return streams
      },
    }
  }
}
