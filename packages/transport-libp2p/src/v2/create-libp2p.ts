// First, before anything loads libp2p.
import './promise-with-resolvers.ts'
import { type GossipSub, gossipsub } from '@chainsafe/libp2p-gossipsub'
import { yamux } from '@chainsafe/libp2p-yamux'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { countRefused } from '../count-refused.ts'
import { gossipOptions } from '../gossip-options.ts'
import { connectionLimits, negotiationMs, streamsMax, streamWindowBytes } from '../limits.ts'
import type { CreateLineNode } from '../line.ts'
import { peerGater } from '../peer-gater.ts'
import { guardConnections, guardStreams } from './guarded-negotiations.ts'
import { withJoinedMessages } from './joined-gossip.ts'
import { noisePlaintextBytesMax } from './noise-streams.ts'
import { secretEncrypters } from './secret-encrypters.ts'
import { withSendQueues } from './send-queue.ts'

export type SkerryLibp2p = Libp2p<{ identify: Identify; pubsub: GossipSub }>

/**
 * A node of libp2p 2 that is not started yet. All options that we give to it are in this file and gossip-options.ts; each that is not obvious
 * stands beside the trouble that its default makes.
 */
export async function createSkerryLibp2p(
  ...[options, identity, log, refused]: Parameters<CreateLineNode>
): Promise<SkerryLibp2p> {
  const encrypters = secretEncrypters(options.cluster, options.secrets)
  let protocols = (): readonly string[] => []
  const node: SkerryLibp2p = await createLibp2p({
    start: false,
    privateKey: identity.key,
    nodeInfo: { name: 'skerry', version: '1', userAgent: 'skerry' },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [countRefused(tcp(), refused)],
    connectionEncrypters: encrypters.map(({ create }) => create),
    connectionProtector: guardConnections((protocol) => encrypters.some((one) => one.protocol === protocol)),
    connectionGater: peerGater(log, options),
    streamMuxers: [
      guardStreams(
        withSendQueues(
          yamux({
            // With which each stream begins, and the end of yamux's own growing. On a long link our lanes have larger ones: window-size.ts.
            maxStreamWindowSize: streamWindowBytes,
            // A frame, header included, fits one message of Noise.
            maxMessageSize: noisePlaintextBytesMax,
            maxInboundStreams: streamsMax,
            maxOutboundStreams: streamsMax,
          }),
          options.maxFrameBytes,
        ),
        (protocol) => protocols().includes(protocol),
      ),
    ],
    connectionManager: { ...connectionLimits, protocolNegotiationTimeout: negotiationMs },
    // It leaks a listener with every ping and can kill healthy connections; core's heartbeat does its work.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      // gossipsub() says that it returns a PubSub; it is a GossipSub.
      pubsub: (components: Parameters<ReturnType<typeof gossipsub>>[0]) =>
        withJoinedMessages(gossipsub({ ...gossipOptions })(components) as GossipSub),
    },
  })
  protocols = () => node.getProtocols()
  return node
}
