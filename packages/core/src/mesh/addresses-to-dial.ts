import { isRoutable, type Membership } from './membership.ts'
import type { NodeId } from './transport.ts'

/**
 * Where to dial a member because somebody needs a link to that life of it. None in a full mesh, where all are dialled anyhow, nor for one
 * that has a link, is believed dead, or is known in another life or not at all.
 */
export function addressesToDial(state: Membership, node: NodeId, life: number): readonly string[] {
  const member = state.members.get(node)
  const record = member?.known?.record
  return member?.link === undefined && record?.life === life && isRoutable(state, node) ? record.addresses : none
}

const none: readonly string[] = []
