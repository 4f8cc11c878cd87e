import { guessRtts } from './guess-rtt.ts'
import type { NodeLoad } from './heartbeat.ts'
import { isMemberRoutable, type Membership } from './membership.ts'
import { meshVersion } from './mesh-message.ts'
import type { NodeRecord } from './node-record.ts'
import type { Measured } from './peer.ts'
import { isTooManyAvoided } from './suspicion.ts'
import { type RoutableNode, routableNode } from './told-view.ts'
import type { NodeId } from './transport.ts'

/** What a view is made of beside the membership. */
export interface ViewSources {
  readonly own: NodeRecord
  readonly ownLoad: NodeLoad
  /** By its link; `undefined` without one. */
  readonly measured: (node: NodeId) => Measured | undefined
  /** Routed around by the word of its monitors: see {@link avoidedNodes}. */
  readonly avoided: ReadonlySet<NodeId>
  /** No link could be made to it a moment ago. */
  readonly isUnreachable: (node: NodeId) => boolean
}

/** The nodes that calls may be sent to, this one first. */
export function routableView(
  state: Membership,
  { own, ownLoad, measured, avoided, isUnreachable }: ViewSources,
): RoutableNode[] {
  const nodes = [routableNode(own, { ...ownLoad, rttMs: 0, isStuck: false, meshVersion })]
  for (const member of state.members.values()) {
    const { node, known } = member
    if (known === undefined || !isMemberRoutable(state, member)) continue
    if (avoided.has(node) || isUnreachable(node)) continue
    nodes.push(routableNode(known.record, measured(node)))
  }
  if (state.shape === 'sparse') guessRtts(nodes)
  return nodes
}

/** Who is routed around by the word of its monitors; where a link shows better it counts. */
export function avoidedNodes(
  { members }: Membership,
  detector: { suspected(): Iterable<NodeId>; isAvoided(node: NodeId): boolean },
): ReadonlySet<NodeId> {
  const avoided = new Set<NodeId>()
  for (const node of detector.suspected()) {
    if (members.get(node)?.link === undefined && detector.isAvoided(node)) avoided.add(node)
  }
  return isTooManyAvoided(avoided.size, members.size + 1) ? noNodes : avoided
}

const noNodes: ReadonlySet<NodeId> = new Set()
