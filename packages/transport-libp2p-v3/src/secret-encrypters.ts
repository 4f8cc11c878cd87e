import type { ComponentLogger, ConnectionEncrypter, PeerId, PrivateKey, Upgrader } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { muxerProtocol, secretNoises } from '@skerry/transport-libp2p/adapter'
import { guard } from './guarded-negotiations.ts'

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

/** Noise of libp2p 3 for each secret. */
export function secretEncrypters(cluster: string, secrets: readonly string[]): SecretEncrypter[] {
  return secretNoises(cluster, secrets).map(({ protocol, prologueBytes }) => ({
    protocol,
    create: (components) => guardedMuxer(noise({ prologueBytes })(components), protocol),
  }))
}

/** The peer knows the secret now; what it says about the muxer is guarded as well. */
function guardedMuxer(encrypter: ConnectionEncrypter, protocol: string): ConnectionEncrypter {
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  const secureOutbound = encrypter.secureOutbound.bind(encrypter)
  const guarded = <Secured extends Awaited<ReturnType<typeof secureInbound>>>(secured: Secured): Secured => {
    // Mostly it is agreed on within the handshake, and then its own bytes come next.
    if (secured.streamMuxer === undefined) guard(secured.connection, (chosen) => chosen === muxerProtocol)
    return secured
  }
  // Noise would end a handshake with another peer than the one dialled, and libp2p drops the name of its error. Our gater judges the
  // peer right after the handshake, in both lines, with an error that can be told from others.
  const withoutPeer = (options: Parameters<typeof secureInbound>[1]): typeof options => {
    const { remotePeer, ...rest } = options ?? {}
    void remotePeer
    return rest
  }
  return Object.assign(encrypter, {
    protocol,
    secureInbound: async (...[connection, options]: Parameters<typeof secureInbound>) =>
      guarded(await secureInbound(connection, withoutPeer(options))),
    secureOutbound: async (...[connection, options]: Parameters<typeof secureOutbound>) =>
      guarded(await secureOutbound(connection, withoutPeer(options))),
  })
}
