import type { FailureDetector } from './failure-detector.ts'
import type { NodeLoad } from './heartbeat.ts'
import type { Membership } from './membership.ts'
import type { NodeRecord } from './node-record.ts'
import type { Measured } from './peer.ts'
import type { PeerLinks } from './peer-links.ts'
import { avoidedNodes, routableView } from './routable-view.ts'
import { type RoutableNode, ToldView } from './told-view.ts'
import type { NodeId } from './transport.ts'
import { UnreachableNodes } from './unreachable-nodes.ts'
import { ViewPace } from './view-pace.ts'

export interface MeshViewOptions {
  readonly links: Pick<PeerLinks, 'peerNodes' | 'measured'>
  readonly detector: Pick<FailureDetector, 'isBusy' | 'suspected' | 'isAvoided'>
  readonly own: () => NodeRecord
  readonly ownLoad: () => NodeLoad
  readonly onView: (nodes: readonly RoutableNode[]) => void
}

/**
 * The nodes that are routable, told when they are others than before. When to look is said by `pace`, and by `isOld` at a tick.
 *
 * @example
 * if (view.isOld()) view.tell(state)
 */
export class MeshView {
  readonly pace: ViewPace = new ViewPace()
  readonly unreachable: UnreachableNodes = new UnreachableNodes()
  readonly #options: MeshViewOptions
  readonly #told = new ToldView()

  constructor(options: MeshViewOptions) {
    this.#options = options
  }

  /** The next one is told in any case. */
  forget(): void {
    this.#told.forget()
  }

  /** Whether it should be made anew at a tick: in a large mesh that takes longer than all else of one, and few of it is measured. */
  isOld(): boolean {
    const { detector, links, ownLoad } = this.#options
    if (this.pace.isOldAtTick(detector.isBusy, this.#told.size)) return true
    return this.#told.hasMoved(ownLoad(), links.peerNodes(), (node) => links.measured(node))
  }

  /** Makes it, and tells it if it is news. */
  tell(state: Membership): void {
    this.pace.told()
    const { detector, links, own, ownLoad, onView } = this.#options
    const measured = (node: NodeId): Measured | undefined => links.measured(node)
    const nodes = routableView(state, {
      own: own(),
      ownLoad: ownLoad(),
      measured,
      avoided: avoidedNodes(state, detector),
      isUnreachable: (node) => this.unreachable.has(node),
    })
    if (this.#told.isNews(nodes, (node) => measured(node) !== undefined)) onView(nodes)
  }
}
