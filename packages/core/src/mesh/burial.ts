import type { DetectorVerdicts } from './failure-detector.ts'
import { died, type Membership, type MembershipStep, recordOf } from './membership.ts'
import type { NodeId } from './transport.ts'

/** One that is believed dead from now on. */
export interface Burial {
  readonly node: NodeId
  readonly accusers: readonly NodeId[]
  /** It had said that it leaves. */
  readonly hasLeft: boolean
}

/**
 * Takes the detector's word for who is dead. `buried`: those that were not believed dead before, since the detector says so again and again while a link to
 * one is still up.
 */
export function bury(
  state: Membership,
  dead: DetectorVerdicts['dead'],
  now: number,
): { readonly step: MembershipStep; readonly buried: readonly Burial[] } {
  const words = dead.map(({ node, suspicion: { life, version, accusers } }) => {
    return { node, life, version, evidence: [...accusers.values()] }
  })
  const step = died(state, words, now)
  const changed = new Set(step.changes.map((change) => ('node' in change ? change.node : undefined)))
  const buried: Burial[] = []
  for (const { node, suspicion } of dead) {
    if (!changed.has(node)) continue
    const hasLeft = recordOf(state, node)?.state === 'leaving'
    buried.push({ node, accusers: [...suspicion.accusers.keys()], hasLeft })
  }
  return { step, buried }
}
