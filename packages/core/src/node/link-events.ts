import type { Kernel } from '../actor/kernel.ts'
import type { PeerIntake } from '../mesh/peer-intake.ts'
import type { Peer, PeerRef } from '../mesh/peer.ts'
import type { NodeRouter } from '../mesh/node-router.ts'
import type { SignalRecord } from '../mesh/signal-record.ts'
import { tellMembership } from '../mesh/tell-membership.ts'
import { peerDowns, peerUps } from '../platform/telemetry.ts'
import type { NodeThreads } from '../thread/node-threads.ts'
import type { LinkEvents } from './early-events.ts'

export interface LinkListeners {
  readonly kernel: Kernel
  readonly router: NodeRouter
  readonly intake: PeerIntake
  /** All other threads of this node. */
  readonly threads: Pick<NodeThreads, 'broadcast'>
  /** The transport is over for good. */
  readonly failed: (error: Error) => void
}

const uncarriedCounters = { dropped: 'transportDrops', lost: 'transportLosses', refused: 'transportRefusals' } as const

/**
 * Who of a node is told what its links tell. Of a connection the router is first, so that what others send on hearing of it finds the way,
 * or nothing any more; then the actors of all threads that asked (`monitorNodes`); the mesh last, which decides whom calls go to.
 */
export function linkEvents({ kernel, router, intake, threads, failed }: LinkListeners): LinkEvents {
  const { node: id, life, counters } = kernel
  return {
    up(peer) {
      router.up(peer)
      nodeUp(peer)
      tellMembership(kernel, { event: 'up', peer })
    },
    down(peer, reason) {
      router.down(peer, reason === 'goodbye' || reason === 'idle')
      nodeDown(peer)
      tellMembership(kernel, { event: 'down', peer, left: reason === 'goodbye' })
    },
    suspect: (peer) => tellMembership(kernel, { event: 'suspect', peer }),
    trusted: (peer) => tellMembership(kernel, { event: 'trusted', peer }),
    stuck: () => tellMembership(kernel, { event: 'stuck' }),
    control: (peer, bytes) => intake.put(peer.node, bytes),
    frame: (peer, frame) => void router.receive(peer, frame),
    frameWithin: (peer, bytes, at, end) => router.receive(peer, bytes, at, end),
    record: (peer, record) => router.receiveRecord(peer, record as SignalRecord),
    room: (peer) => router.room(peer),
    unreached: (node) => router.unreached(node),
    failed,
    uncarried: (how, count) => void (counters[uncarriedCounters[how]] += count),
    refused(_node, { by }) {
      if (by === 'us') counters.linksRefused += 1
    },
  }

  function nodeUp({ node: peer, life: its, region }: Peer): void {
    const message = { type: 'nodeUp', node: peer, life: its, region } as const
    kernel.nodes.up(message)
    if (peerUps.hasSubscribers) peerUps.publish({ node: id, life, thread: 0, peer, peerLife: its, peerRegion: region })
    threads.broadcast(message)
  }

  function nodeDown({ node: peer, life: its }: PeerRef): void {
    const message = { type: 'nodeDown', node: peer, life: its } as const
    kernel.nodes.down(message)
    if (peerDowns.hasSubscribers) peerDowns.publish({ node: id, life, thread: 0, peer, peerLife: its })
    threads.broadcast(message)
  }
}
