/** Skerry's mesh over libp2p 3. Experimental: see docs/decisions/0007. No type of libp2p is part of this interface. */
export { createLibp2pTransport, libp2pTransport } from './libp2p-transport.ts'
