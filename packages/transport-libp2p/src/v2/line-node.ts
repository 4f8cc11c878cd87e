import type { GossipSub, GossipsubMessage } from '@chainsafe/libp2p-gossipsub'
import { type Connection, TopicValidatorResult } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { gossipWireTopic } from '../gossip.ts'
import { laneProtocol, laneStreamsMax } from '../lane-preamble.ts'
import { type CreateLineNode, deafScore, type LineConnection, type LineGossip, type LineNode } from '../line.ts'
import { createSkerryLibp2p, type SkerryLibp2p } from './create-libp2p.ts'
import { DuplexStream } from './duplex-stream.ts'

/** A node of libp2p 2 as the rest of the adapter knows it. Loading this file loads libp2p. */
export async function createLineNode(...given: Parameters<CreateLineNode>): Promise<LineNode> {
  return lineNode(await createSkerryLibp2p(...given))
}

function lineNode(node: SkerryLibp2p): LineNode {
  const { identify, pubsub } = node.services
  return {
    gossip: lineGossip(pubsub),
    async start({ opened, closed, stream: accept }) {
      node.addEventListener('connection:open', ({ detail }) => opened(detail))
      node.addEventListener('connection:close', ({ detail }) => closed(detail))
      await node.handle(laneProtocol, ({ connection, stream }) => accept(connection, new DuplexStream(stream)), {
        maxInboundStreams: laneStreamsMax,
        maxOutboundStreams: laneStreamsMax,
      })
      await node.start()
    },
    stop: async () => await node.stop(),
    addresses: () => node.getMultiaddrs().map(String),
    connections: () => node.getConnections(),
    dial: async (address, { signal, force }) => await node.dial(multiaddr(address), { signal, force }),
    async openStream(connection, signal) {
      // Both limits of libp2p apply: the one given here and the one given with the handler.
      const options = { signal, maxOutboundStreams: laneStreamsMax }
      return new DuplexStream(await ours(connection).newStream(laneProtocol, options))
    },
    async renewGossip(connection, signal) {
      await identify.identify(ours(connection), { signal })
    },
  }
}

/** Every connection that the rest of the adapter has came from here. */
function ours(connection: LineConnection): Connection {
  return connection as Connection
}

const validatorResults = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const

export function lineGossip(pubsub: GossipSub): LineGossip {
  let onMessage: ((event: CustomEvent<GossipsubMessage>) => void) | undefined
  return {
    start(on) {
      onMessage = ({ detail }) => on.message(detail.propagationSource.toString(), detail.msg.data)
      pubsub.topicValidators.set(
        gossipWireTopic,
        (via, message) => validatorResults[on.verdict(via.toString(), message)],
      )
      pubsub.score.params.appSpecificScore = (peer) => (on.listensTo(peer) ? 0 : deafScore)
      pubsub.addEventListener('gossipsub:message', onMessage)
      pubsub.subscribe(gossipWireTopic)
    },
    stop: () => pubsub.removeEventListener('gossipsub:message', onMessage),
    publish: (data) => pubsub.publish(gossipWireTopic, data),
    forget: (peer) => void pubsub.streamsOutbound.delete(peer),
  }
}
