import { createHmac } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import type { ComponentLogger, ConnectionEncrypter, PeerId, PrivateKey, Upgrader } from '@libp2p/interface'
import { guarded } from './multistream-guard.ts'

interface EncrypterComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
  readonly upgrader: Upgrader
}

const muxerProtocol = '/yamux/1.0.0'

export interface SecretEncrypter {
  readonly protocol: string
  create(components: EncrypterComponents): ConnectionEncrypter
}

/**
 * Noise, once for each secret, in the order given. The secret is mixed into the handshake as Noise's prologue: without it
 * the other side can't finish, in either direction, so nobody sends an application byte to a stranger. Each runs under a
 * protocol id made of a digest of its secret, so that two nodes that accept several find the one they share.
 *
 * Both values are HMAC-SHA256 of the secret with different labels: the id that is visible on the wire says nothing about
 * the prologue, provided that the secret can't be guessed.
 */
export function secretEncrypters(cluster: string, secrets: readonly string[]): SecretEncrypter[] {
  // Without a secret the key is empty and the cluster's name decides alone. It keeps clusters apart, not attackers out.
  return (secrets.length > 0 ? secrets : ['']).map((secret) => {
    const protocol = `/noise/${derived(secret, 'key id', cluster).toString('hex', 0, 16)}`
    const prologueBytes = derived(secret, 'prologue', cluster)
    return { protocol, create: (components) => guardedMuxer(noise({ prologueBytes })(components), protocol) }
  })
}

/** The peer knows the secret now; what it says about the muxer is guarded as well. */
function guardedMuxer(encrypter: ConnectionEncrypter, protocol: string): ConnectionEncrypter {
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  const secureOutbound = encrypter.secureOutbound.bind(encrypter)
  const guard = <Secured extends Awaited<ReturnType<typeof secureInbound>>>(secured: Secured): Secured => {
    // Mostly it is agreed on within the handshake, and then its own bytes come next.
    if (secured.streamMuxer !== undefined) return secured
    secured.conn.source = guarded(secured.conn.source, (chosen) => chosen === muxerProtocol)
    return secured
  }
  return Object.assign(encrypter, {
    protocol,
    secureInbound: async (...given: Parameters<typeof secureInbound>) => guard(await secureInbound(...given)),
    secureOutbound: async (...given: Parameters<typeof secureOutbound>) => guard(await secureOutbound(...given)),
  })
}

function derived(secret: string, purpose: string, cluster: string): Buffer {
  return createHmac('sha256', secret).update(`skerry libp2p ${purpose}\0${cluster}`).digest()
}
