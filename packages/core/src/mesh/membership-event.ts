import type { NodeState, ProcedureRecord } from './node-record.ts'
import type { PeerRef } from './peer.ts'
import type { NodeId } from './transport.ts'

/** What the mesh actor is told by the node itself, of its links and of times: peers have no part in it, so that they can not crowd it out. */
export type MembershipEvent =
  | { readonly event: 'up'; readonly peer: PeerRef }
  /** `left`: it said goodbye. */
  | { readonly event: 'down'; readonly peer: PeerRef; readonly left: boolean }
  | { readonly event: 'suspect'; readonly peer: PeerRef }
  | { readonly event: 'trusted'; readonly peer: PeerRef }
  /** A peer's main thread is stuck, or is not any more. */
  | { readonly event: 'stuck' }
  | { readonly event: 'announce'; readonly procedures: readonly ProcedureRecord[] }
  | { readonly event: 'state'; readonly state: NodeState }
  /** Dials to a node without a link failed, and somebody waited for it. */
  | { readonly event: 'unreachable'; readonly node: NodeId }
  | { readonly event: 'refresh' }
  | { readonly event: MembershipTime }

/** What the actor tells itself when its time has come. `read`: peers told something, which waits in the `PeerIntake`. */
export type MembershipTime = 'tick' | 'watch' | 'gossip' | 'view' | 'snapshots' | 'read' | 'say'
