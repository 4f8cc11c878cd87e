import { noise } from '@chainsafe/libp2p-noise'
import type { ComponentLogger, ConnectionEncrypter, PeerId, PrivateKey, Upgrader } from '@libp2p/interface'
import { secretNoises } from '../cluster-secrets.ts'
import { muxerProtocol } from '../multistream-guard.ts'
import { guarded } from './guarded-source.ts'
import { encryptWithLessGarbage } from './noise-connection.ts'

interface EncrypterComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
  readonly upgrader: Upgrader
}

export interface SecretEncrypter {
  readonly protocol: string
  create(components: EncrypterComponents): ConnectionEncrypter
}

/** Noise of libp2p 2 for each secret. */
export function secretEncrypters(cluster: string, secrets: readonly string[]): SecretEncrypter[] {
  return secretNoises(cluster, secrets).map(({ protocol, prologueBytes }) => ({
    protocol,
    create: (components) => guardedMuxer(encryptWithLessGarbage(noise({ prologueBytes })(components)), protocol),
  }))
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
