import type { ConnectionGater } from '@libp2p/interface'
import type { Log } from '@skerry/core/platform'
import { TransportError } from '@skerry/core'

/**
 * Refuses a peer once the handshake has told who it is.
 *
 * libp2p 2.x does not compare the peer that it reached with the one that was dialled: without this check a dial of
 * `/p2p/B` hands back a connection to whoever answers.
 */
export function peerGater(log: Log): ConnectionGater {
  return {
    denyInboundEncryptedConnection(peer, connection) {
      if (peer.type === 'Ed25519') return false
      log.warn(
        { peer: peer.toString(), address: connection.remoteAddr.toString() },
        'Refused a peer: its key is not Ed25519',
      )
      return true
    },
    // It throws, rather than returning true, because the dial rejects with what is thrown here.
    denyOutboundEncryptedConnection(peer, connection) {
      const expected = connection.remoteAddr.getPeerId()
      if (expected !== null && expected !== peer.toString()) {
        throw new TransportError('ERR_WRONG_PEER', `Expected ${expected}, found ${peer.toString()}`)
      }
      if (peer.type !== 'Ed25519') {
        throw new TransportError('ERR_PEER_REFUSED', `The key of ${peer.toString()} is not Ed25519`)
      }
      return false
    },
  }
}
