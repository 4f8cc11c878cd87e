import { isRoutable, type Membership } from './membership.ts'
import type { NodeId } from './transport.ts'

/**
 * Where to dial a member because somebody needs a link to that life of it. None for one that has a link, is believed dead, or is known in another life or
 * not at all; nor in a full mesh, where all are dialled anyhow and nobody without a link is routable.
 */
export function addressesToDial(state: Membership, node: NodeId, life: number): readonly string[] {
  const member = state.members.get(node)
  const record = member?.known?.record
  return member?.link === undefined && record?.life === life && isRoutable(state, node) ? record.addresses : none
}

const none: readonly string[] = []
