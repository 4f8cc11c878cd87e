import { Socket } from 'node:net'

const sockets = new WeakMap<object, Socket>()

/** Remembers the socket of a connection that nothing was read from yet: then it is what libp2p's TCP reads from. */
export function noteSocket(connection: { readonly source: unknown }): void {
  if (connection.source instanceof Socket) sockets.set(connection, connection.source)
}

export function socketOf(connection: object): Socket | undefined {
  return sockets.get(connection)
}
