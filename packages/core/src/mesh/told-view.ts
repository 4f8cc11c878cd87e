import type { NodeLoad } from './heartbeat.ts'
import type { NodeRecord } from './node-record.ts'
import type { Measured } from './peer.ts'
import type { NodeId } from './transport.ts'

/** A node that calls may be sent to, with what the heartbeat measured. */
export interface RoutableNode {
  readonly record: NodeRecord
  readonly rttMs: number | undefined
  readonly load: number
  readonly inFlight: number
  /** Its main thread gives no sign of life, though its links do. */
  readonly isStuck: boolean
}

/** `measured`: by its link; `undefined` without one. */
export function routableNode(
  record: NodeRecord,
  measured: Measured | undefined,
): { -readonly [Key in keyof RoutableNode]: RoutableNode[Key] } {
  const { rttMs, load = 0, inFlight = 0, isStuck = false } = measured ?? {}
  return { record, rttMs, load, inFlight, isStuck }
}

/**
 * The view that RegionRegistry was told last. A new one makes every thread decode its table again, which small changes of
 * measurements are not worth.
 *
 * @example
 * const told = new ToldView()
 * if (told.isNews(nodes, (node) => links.measured(node) !== undefined)) onView(nodes)
 */
export class ToldView {
  #nodes: readonly RoutableNode[] = []
  /** Those of it with a link: only what they measure changes without an event. */
  readonly #linked = new Map<NodeId, RoutableNode>()

  get size(): number {
    return this.#nodes.length
  }

  /** The next view is news in any case. */
  forget(): void {
    this.#nodes = []
  }

  /** Whether to tell these, this node first: then they are what was told last. */
  isNews(nodes: readonly RoutableNode[], isLinked: (node: NodeId) => boolean): boolean {
    if (nodes.length === this.#nodes.length && nodes.every((node, at) => isAlike(node, this.#nodes[at]))) return false
    this.#nodes = nodes
    this.#linked.clear()
    for (const node of nodes) if (isLinked(node.record.node)) this.#linked.set(node.record.node, node)
    return true
  }

  /** Whether this node's load, or what a link measures, has moved since. Costs a look at each link, not at each node. */
  hasMoved(own: NodeLoad, peers: Iterable<NodeId>, measured: (node: NodeId) => Measured | undefined): boolean {
    const [self] = this.#nodes
    if (self === undefined || !isAlike({ ...self, load: own.load, inFlight: own.inFlight }, self)) return true
    for (const node of peers) {
      const told = this.#linked.get(node)
      if (told === undefined || !isAlike(routableNode(told.record, measured(node)), told)) return true
    }
    return false
  }
}

// A measurement that moved by less than this part of it, or a load by less than this, is the same.
const sameRttPart = 0.05
const sameLoad = 0.02
const sameInFlightPart = 0.2
// Below it the calls in flight make no difference to a choice.
const fewInFlight = 4

function isAlike(now: RoutableNode, before: RoutableNode | undefined): boolean {
  if (before?.record !== now.record || before.isStuck !== now.isStuck) return false
  if (Math.abs(now.load - before.load) > sameLoad) return false
  const inFlightMoved = Math.abs(now.inFlight - before.inFlight)
  if (inFlightMoved > fewInFlight && inFlightMoved > before.inFlight * sameInFlightPart) return false
  if (now.rttMs === undefined || before.rttMs === undefined) return now.rttMs === before.rttMs
  return Math.abs(now.rttMs - before.rttMs) <= before.rttMs * sameRttPart
}
