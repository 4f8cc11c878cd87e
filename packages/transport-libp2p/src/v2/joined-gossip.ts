import type { Stream } from '@libp2p/interface'
import { behindVarints } from '../framings.ts'
import { inFewPiecesOf } from './joined-source.ts'

/** The part of gossipsub that begins to read what a peer sends. */
interface Reading {
  createInboundStream(peer: unknown, stream: Stream): void
}

/** The same gossipsub, which is given messages in few pieces. */
export function withJoinedMessages<Pubsub extends object>(pubsub: Pubsub): Pubsub {
  // Another version may begin in another way; then it works as it comes.
  if (!isReading(pubsub)) return pubsub
  const begin = pubsub.createInboundStream.bind(pubsub)
  pubsub.createInboundStream = (peer, stream) => {
    stream.source = inFewPiecesOf(behindVarints(), stream.source)
    begin(peer, stream)
  }
  return pubsub
}

function isReading(pubsub: object): pubsub is Reading {
  return 'createInboundStream' in pubsub && typeof pubsub.createInboundStream === 'function'
}
