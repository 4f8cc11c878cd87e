import type { ConnectionGater, PeerId } from '@libp2p/interface'
import type { Log } from '@skerry/core/platform'
import { TransportError } from '@skerry/core'
import type { CheckedOptions } from './options.ts'

export type PeerGaterOptions = Pick<CheckedOptions, 'identities' | 'identitiesOnly'>

/**
 * Refuses a peer once the handshake has told who it is.
 *
 * libp2p 2.x does not compare the peer that it reached with the one that was dialled: without this check a dial of
 * `/p2p/B` hands back a connection to whoever answers.
 */
export function peerGater(log: Log, { identities, identitiesOnly }: PeerGaterOptions): ConnectionGater {
  const doubt = (peer: PeerId): string | undefined => {
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
      const expected = connection.remoteAddr.getPeerId()
      if (expected !== null && expected !== peer.toString()) {
        throw new TransportError('ERR_WRONG_PEER', `Expected ${expected}, found ${peer.toString()}`)
      }
      const why = doubt(peer)
      if (why !== undefined) throw new TransportError('ERR_PEER_REFUSED', `Refused ${peer.toString()}: ${why}`)
      return false
    },
  }
}
