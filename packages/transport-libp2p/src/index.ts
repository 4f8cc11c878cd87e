/** Skerry's mesh over libp2p. No type of libp2p is part of this interface. */
export { createIdentity } from './create-identity.ts'
export { libp2pOptionsFrom } from './environment.ts'
export { createLibp2pTransport, libp2pTransport } from './v2/libp2p-transport.ts'
export type { Libp2pIdentity, Libp2pTransportOptions } from './options.ts'
