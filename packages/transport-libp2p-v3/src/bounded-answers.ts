import type { MessageStream } from '@libp2p/interface'

// Each takes some 150 bytes beside its own until it is encrypted.
const answersMax = 8_192
// Of a frame of yamux, and all that there is of an answer.
const headerBytes = 12
// Once no more than this is left of what was encrypted, and of the rest, the connection is read again.
const readAgainBytesMax = 64 * 1_024

/** What its type does not say. */
interface Pausable extends MessageStream {
  readonly readStatus: string
}

/** The part of yamux's muxer by which all that it sends goes to its connection. */
interface Sending {
  send(data: { readonly byteLength: number }): boolean
}

/**
 * Reads no more of a connection of libp2p 3 once 8,192 frames without data were sent to it that it did not take at once, until they have left.
 * What streams write waits for the socket by itself; answers to pings, and to streams beyond their number, do not: so a peer that asks and
 * reads nothing from its socket would have our memory for it. It is not read either, and loses its links for want of heartbeats.
 */
export function boundAnswers(muxer: object, connection: MessageStream): void {
  if (!isSending(muxer) || !isPausable(connection)) return
  const send = muxer.send.bind(muxer)
  let waiting = 0
  let isPaused = false
  muxer.send = (data) => {
    const isTaken = send(data)
    if (isTaken) return true
    if (data.byteLength <= headerBytes) waiting += 1
    if (waiting > answersMax && connection.readStatus === 'readable') {
      isPaused = true
      connection.pause()
    }
    return false
  }
  connection.addEventListener('drain', () => {
    // Behind what the connection itself does then, which is to send what waits.
    void Promise.resolve().then(() => {
      if (unsentBytes(connection) > readAgainBytesMax) return
      waiting = 0
      if (!isPaused) return
      isPaused = false
      if (connection.readStatus === 'paused') readAgain(connection)
    })
  })
}

/** What came before the pause is looked at first: if it ends the connection, that can't be read again, and says so by a throw. */
function readAgain(connection: MessageStream): void {
  try {
    connection.resume()
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  }
}

/** What waits to be encrypted, and for the socket. */
function unsentBytes(connection: MessageStream): number {
  const below = 'stream' in connection ? (connection.stream as Partial<MessageStream> | undefined) : undefined
  return connection.writeBufferLength + (below?.writeBufferLength ?? 0)
}

function isPausable(connection: MessageStream): connection is Pausable {
  return 'readStatus' in connection
}

/** Another version of yamux may send in another way; then it works as it comes. */
function isSending(muxer: object): muxer is Sending {
  return 'send' in muxer && typeof muxer.send === 'function'
}
