import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import {
  connectionLimits,
  countRefused,
  type CreateLineNode,
  gossipOptions,
  negotiationMs,
  peerGater,
  streamsMax,
  streamWindowBytes,
} from '@skerry/transport-libp2p/adapter'
import { createLibp2p } from 'libp2p'
import { guardConnections, guardStreams } from './guarded-negotiations.ts'
import { secretEncrypters } from './secret-encrypters.ts'

export type SkerryLibp2p = Libp2p<{ identify: Identify; pubsub: GossipSub }>

/**
 * A node of libp2p 3 that is not started yet. All options that we give to it are in this file, and what both lines are given, in
 * the other adapter; each that is not obvious stands beside the trouble that its default makes.
 */
export async function createSkerryLibp2p(
  ...[options, identity, log, refused]: Parameters<CreateLineNode>
): Promise<SkerryLibp2p> {
  const encrypters = secretEncrypters(options.cluster, options.secrets)
  let protocols = (): readonly string[] => []
  const node: SkerryLibp2p = await createLibp2p({
    start: false,
    privateKey: privateKeyFromRaw(identity.key.raw),
    nodeInfo: { name: 'skerry', version: '1', userAgent: 'skerry' },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [countRefused(tcp(), refused)],
    connectionEncrypters: encrypters.map(({ create }) => create),
    connectionProtector: guardConnections((protocol) => encrypters.some((one) => one.protocol === protocol)),
    connectionGater: peerGater(log, options),
    streamMuxers: [
      guardStreams(
        yamux({
          streamOptions: {
            // The end of yamux's own growing too. On a long link our lanes have larger ones, and buffers to match.
            initialStreamWindowSize: streamWindowBytes,
            maxStreamWindowSize: streamWindowBytes,
            // What a stream that nobody reads yet may gather before it is reset. Its default of 4 MiB, times 256 streams, is 1 GiB.
            maxReadBufferLength: 2 * streamWindowBytes,
          },
          maxInboundStreams: streamsMax,
          maxOutboundStreams: streamsMax,
          // Streams that come before libp2p has looked at the muxer. At its default of 10, four links over one new connection end it.
          maxEarlyStreams: streamsMax,
        }),
        (protocol) => protocols().includes(protocol),
      ),
    ],
    connectionManager: {
      ...connectionLimits,
      inboundStreamProtocolNegotiationTimeout: negotiationMs,
      outboundStreamProtocolNegotiationTimeout: negotiationMs,
    },
    // It can kill healthy connections; core's heartbeat does its work.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      pubsub: gossipsub({ ...gossipOptions }),
    },
  })
  protocols = () => node.getProtocols()
  return node
}
