import { gossipRpcBytesMax, gossipWireTopic } from './gossip.ts'

type Numbers<Name extends string> = Record<Name, number>

interface GossipOptions
  extends
    Record<
      | 'emitSelf'
      | 'allowPublishToZeroTopicPeers'
      | 'ignoreDuplicatePublishError'
      | 'fallbackToFloodsub'
      | 'floodPublish'
      | 'batchPublish'
      | 'doPX',
      boolean
    >,
    Numbers<'D' | 'Dlo' | 'Dhi' | 'Dout' | 'heartbeatInterval' | 'mcacheLength' | 'mcacheGossip'>,
    Numbers<'maxInboundDataLength' | 'maxOutboundBufferSize'> {
  globalSignaturePolicy: 'StrictSign'
  allowedTopics: string[]
  decodeRpcLimits: Numbers<
    | 'maxSubscriptions'
    | 'maxMessages'
    | 'maxIhaveMessageIDs'
    | 'maxIwantMessageIDs'
    | 'maxIdontwantMessageIDs'
    | 'maxControlMessages'
    | 'maxPeerInfos'
  >
  scoreParams: Numbers<'IPColocationFactorWeight'>
}

/** What gossipsub is told, in both lines. Each that is not obvious stands beside the trouble that its default makes. */
export const gossipOptions: GossipOptions = {
  globalSignaturePolicy: 'StrictSign',
  emitSelf: false,
  allowPublishToZeroTopicPeers: true,
  ignoreDuplicatePublishError: true,
  fallbackToFloodsub: false,
  // A record goes to every connected subscriber at once: one hop in a small cluster.
  floodPublish: true,
  batchPublish: true,
  doPX: false,
  D: 8,
  Dlo: 6,
  Dhi: 12,
  Dout: 3,
  heartbeatInterval: 500,
  mcacheLength: 12,
  mcacheGossip: 8,
  // Without both limits a peer can fill the memory with subscriptions (CVE-2026-46679).
  allowedTopics: [gossipWireTopic],
  decodeRpcLimits: {
    maxSubscriptions: 64,
    maxMessages: 256,
    maxIhaveMessageIDs: 2000,
    maxIwantMessageIDs: 2000,
    maxIdontwantMessageIDs: 512,
    maxControlMessages: 64,
    maxPeerInfos: 16,
  },
  maxInboundDataLength: gossipRpcBytesMax,
  maxOutboundBufferSize: 2 * gossipRpcBytesMax,
  // The default mutes gossip as soon as more than ten peers share an address.
  scoreParams: { IPColocationFactorWeight: 0 },
}
