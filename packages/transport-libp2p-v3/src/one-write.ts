import { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'

/** The part of libp2p's TCP connection that hands bytes to its socket. */
interface TcpConnection {
  readonly socket: Socket
  sendData(...given: readonly unknown[]): unknown
}

/**
 * Makes a TCP connection hand over the pieces of what it sends in one write. As it is, it makes one of each, and a message of Noise has
 * two: a small frame went out in two packets, the first of two bytes, for which the peer was woken up in vain.
 */
export function sendInOneWrite(connection: MessageStream): void {
  if (!isTcp(connection)) return
  const { socket } = connection
  const sendData = connection.sendData.bind(connection)
  connection.sendData = (...given) => {
    socket.cork()
    try {
      return sendData(...given)
    } finally {
      socket.uncork()
    }
  }
}

/** Another version of libp2p may keep its socket elsewhere; then it works as it comes. */
function isTcp(connection: object): connection is TcpConnection {
  return (
    'socket' in connection &&
    connection.socket instanceof Socket &&
    'sendData' in connection &&
    typeof connection.sendData === 'function'
  )
}
