import { decodeMeshMessage, type MeshMessage } from './mesh-message.ts'
import type { NodeState, ProcedureRecord } from './node-record.ts'
import type { PeerRef } from './peer.ts'
import type { NodeId } from './transport.ts'

/** What the mesh actor is told, as plain messages from the links and the node, and of the times that it set itself. */
export type MembershipEvent =
  | { readonly event: 'up'; readonly peer: PeerRef }
  /** `left`: it said goodbye. */
  | { readonly event: 'down'; readonly peer: PeerRef; readonly left: boolean }
  | { readonly event: 'suspect'; readonly peer: PeerRef }
  | { readonly event: 'trusted'; readonly peer: PeerRef }
  /** A peer's main thread is stuck, or is not any more. */
  | { readonly event: 'stuck' }
  | { readonly event: 'records'; readonly via: NodeId; readonly records: readonly Uint8Array[] }
  | { readonly event: 'told'; readonly via: NodeId; readonly message: MeshMessage }
  | { readonly event: 'announce'; readonly procedures: readonly ProcedureRecord[] }
  | { readonly event: 'state'; readonly state: NodeState }
  /** Dials to a node without a link failed, and somebody waited for it. */
  | { readonly event: 'unreachable'; readonly node: NodeId }
  | { readonly event: 'refresh' }
  | { readonly event: MembershipTime }

/** What the actor tells itself when its time has come. */
export type MembershipTime = 'tick' | 'watch' | 'gossip' | 'view' | 'snapshots'

/** What a control payload of a peer says; `undefined` for what this node can't read. */
export function meshEventOf(via: NodeId, bytes: Uint8Array): MembershipEvent | undefined {
  const message = decodeMeshMessage(bytes)
  if (message === undefined) return undefined
  return message.kind === 'records'
    ? { event: 'records', via, records: message.records }
    : { event: 'told', via, message }
}
