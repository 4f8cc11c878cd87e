import type { Target } from '../target.ts'
import { codecTarget } from './codec.ts'
import { coreTextTarget } from './core-text.ts'
import { dnsAnswerTarget, mdnsPacketTarget } from './discovery.ts'
import { frameTarget } from './frame.ts'
import { bulkReceiverTarget, splitMessageTarget } from './large-frames.ts'
import { frameReaderTarget, gossipTarget, peerTextTarget, preambleTarget } from './libp2p.ts'
import { linkMessageTarget } from './link-message.ts'
import {
  natsMemberBroadcastTarget,
  natsMemberTarget,
  natsSealedTarget,
  natsSessionTarget,
  natsTextTarget,
} from './nats-member.ts'
import { natsBroadcastTarget, natsHandshakeTarget, natsLinkTarget } from './nats.ts'
import { accusationTarget, meshMessageTarget, nodeRecordTarget } from './node-record.ts'
import { scopeMessageTarget } from './scope-message.ts'
import { signalBytesTarget } from './signal-bytes.ts'

export const allTargets: readonly Target[] = [
  frameTarget,
  codecTarget,
  linkMessageTarget,
  nodeRecordTarget,
  accusationTarget,
  meshMessageTarget,
  bulkReceiverTarget,
  splitMessageTarget,
  scopeMessageTarget,
  signalBytesTarget,
  frameReaderTarget,
  preambleTarget,
  gossipTarget,
  peerTextTarget,
  natsHandshakeTarget,
  natsBroadcastTarget,
  natsLinkTarget,
  natsMemberTarget,
  natsMemberBroadcastTarget,
  natsSessionTarget,
  natsSealedTarget,
  natsTextTarget,
  dnsAnswerTarget,
  mdnsPacketTarget,
  coreTextTarget,
]
