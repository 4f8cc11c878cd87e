import { type GossipSub, type GossipsubMessage, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import {
  type CreateLineNode,
  deafScore,
  gossipWireTopic,
  laneProtocol,
  laneStreamsMax,
  type LineConnection,
  type LineGossip,
  type LineNode,
} from '@skerry/transport-libp2p/adapter'
import { createSkerryLibp2p, type SkerryLibp2p } from './create-libp2p.ts'
import { MessageLineStream } from './message-stream.ts'

/** A node of libp2p 3 as the rest of the adapter knows it. Loading this file loads libp2p. */
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
      await node.handle(laneProtocol, (stream, connection) => accept(connection, new MessageLineStream(stream)), {
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
      return new MessageLineStream(await ours(connection).newStream(laneProtocol, options))
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

/** What its type does not say. */
interface WithScore {
  readonly score: { readonly params: { appSpecificScore: (peer: string) => number } }
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
      const { params } = (pubsub as GossipSub & WithScore).score
      params.appSpecificScore = (peer) => (on.listensTo(peer) ? 0 : deafScore)
      pubsub.addEventListener('gossipsub:message', onMessage)
      pubsub.subscribe(gossipWireTopic)
    },
    stop: () => pubsub.removeEventListener('gossipsub:message', onMessage),
    publish: (data) => pubsub.publish(gossipWireTopic, data),
    // It forgets a stream that closed by itself.
    forget() {},
  }
}
