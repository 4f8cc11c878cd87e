import type { ConnectionEncrypter } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { socketOf } from './connection-sockets.ts'
import { type Ciphers, decrypted, encryptTo } from './noise-streams.ts'

type Chunk = Uint8Array | Uint8ArrayList

interface Duplex {
  readonly source: AsyncIterable<Chunk>
  sink(source: AsyncIterable<Chunk>): Promise<void>
}

/** The part of libp2p's Noise that begins when its handshake has ended. */
interface DataPhase {
  createSecureConnection(connection: { unwrap(): Duplex }, ciphers: Ciphers): Promise<Duplex>
}

/**
 * Noise whose handshake and ciphers are libp2p's, and whose streams are ours: the same messages on the wire, with one write for all that
 * waits and without the copies (each byte was copied five times, most of them to new memory).
 */
export function encryptWithLessGarbage(encrypter: ConnectionEncrypter): ConnectionEncrypter {
  if (!hasDataPhase(encrypter)) return encrypter
  const asItComes = encrypter.createSecureConnection.bind(encrypter)
  encrypter.createSecureConnection = async (connection, ciphers) => {
    const below = connection.unwrap()
    const socket = socketOf(below)
    if (socket === undefined) return asItComes(connection, ciphers)
    // Taken now: what is returned here is put in its place, and would call itself without end.
    const endSocket = below.sink.bind(below)
    return {
      source: decrypted(below.source, ciphers),
      async sink(source) {
        // The last words of the handshake are on their way to the socket, from microtask to microtask. Nothing may overtake them.
        // No simulation has a socket, so the turn may be Node's.
        // oxlint-disable-next-line no-restricted-globals
        await new Promise((resolve) => setImmediate(resolve))
        await encryptTo(socket, source, ciphers)
        await endSocket(nothing())
      },
    }
  }
  return encrypter
}

async function* nothing(): AsyncGenerator<never> {}

/** Another version of Noise may be built otherwise; then it works as it comes. */
function hasDataPhase(encrypter: object): encrypter is ConnectionEncrypter & DataPhase {
  return 'createSecureConnection' in encrypter && typeof encrypter.createSecureConnection === 'function'
}
