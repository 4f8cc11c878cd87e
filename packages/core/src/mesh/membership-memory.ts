import type { Primary, PrimaryConflict } from './primary.ts'
import type { NodeId } from './transport.ts'

/** What the mesh actor believed last: for the node's other parts, and for the successor of one that crashed. */
export interface MembershipMemory {
  /** Sealed. */
  records: () => readonly Uint8Array[]
  primary: Primary
  /** Whom a link can be made to when it is needed; empty in a full mesh. */
  reach: (node: NodeId, life: number) => readonly string[]
  /** Whether this node can do without a link to that one. */
  isSpare: (node: NodeId) => boolean
  /** The nodes that are configured with another primary region than this one. */
  conflicts: readonly PrimaryConflict[]
}
