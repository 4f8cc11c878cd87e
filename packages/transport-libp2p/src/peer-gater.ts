import type { Log } from '@skerry/core/platform'
import { TransportError } from '@skerry/core'
import { peerIn } from './dial-target.ts'
import type { CheckedOptions } from './options.ts'

export type PeerGaterOptions = Pick<CheckedOptions, 'identities' | 'identitiesOnly'>

/** The part of libp2p's gater that we fill, for either line. */
export interface PeerGater {
  denyInboundEncryptedConnection(peer: GatedPeer, connection: GatedConnection): boolean
  denyOutboundEncryptedConnection(peer: GatedPeer, connection: GatedConnection): boolean
}

interface GatedPeer {
  readonly type: string
  toString(): string
}

interface GatedConnection {
  readonly remoteAddr: { toString(): string }
}

/**
 * Refuses a peer once the handshake has told who it is.
 *
 * libp2p 2.x does not compare the peer that it reached with the one that was dialled: without this check a dial of
 * `/p2p/B` hands back a connection to whoever answers.
 */
export function peerGater(log: Log, { identities, identitiesOnly }: PeerGaterOptions): PeerGater {
  const doubt = (peer: GatedPeer): string | undefined => {
    if (peer.type !== 'Ed25519') return 'its key is not Ed25519'
    return identitiesOnly && !identities.has(peer.toString()) ? 'it is none of our identities' : undefined
  }
  return {
    denyInboundEncryptedConnection(peer, connection) {
      const why = doubt(peer)
      if (why === undefined) return false
      log.warn({ peer: peer.toString(), address: connection.remoteAddr.toString() }, `Refused a peer: ${why}`)
      return true
    },
    // It throws, rather than returning true, because the dial rejects with what is thrown here.
    denyOutboundEncryptedConnection(peer, connection) {
      const expected = peerIn(connection.remoteAddr.toString())
      if (expected !== undefined && expected !== peer.toString()) {
        throw new TransportError('ERR_WRONG_PEER', `Expected ${expected}, found ${peer.toString()}`)
      }
      const why = doubt(peer)
      if (why !== undefined) throw new TransportError('ERR_PEER_REFUSED', `Refused ${peer.toString()}: ${why}`)
      return false
    },
  }
}
