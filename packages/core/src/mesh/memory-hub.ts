import type { NodeId } from './transport.ts'

/** What the way between the nodes of a hub does to them. */
export interface HubNode {
  /** The way carries again: what waits for it goes on. */
  healed(): void
  /** All links break, as connections do. */
  breakOff(): void
}

/** Where the nodes of one name meet, and the way between them. */
export interface Hub<Node extends HubNode> {
  readonly nodes: Map<NodeId, Node>
  /** Nothing gets through. */
  isCut: boolean
  /** Somebody holds its way, and may cut it before the first node comes. */
  isHeld: boolean
}

const hubsMax = 10_000
const nodesPerHubMax = 10_000

/** All hubs of one thread. One goes when its last node stops and nobody holds its way. */
export class Hubs<Node extends HubNode> {
  readonly #hubs = new Map<string, Hub<Node>>()

  get(name: string): Hub<Node> | undefined {
    return this.#hubs.get(name)
  }

  /** Says why not, when it can't. */
  enter(name: string, id: NodeId, node: Node): string | undefined {
    const hub = this.#hubs.get(name) ?? { nodes: new Map(), isCut: false, isHeld: false }
    if (hub.nodes.has(id)) return `A node ${id} runs already on the hub ${name}`
    if (hub.nodes.size >= nodesPerHubMax) return `The hub ${name} is full: ${nodesPerHubMax} nodes`
    if (!this.#hubs.has(name) && this.#hubs.size >= hubsMax) return `There are ${hubsMax} hubs already`
    hub.nodes.set(id, node)
    this.#hubs.set(name, hub)
    return undefined
  }

  leave(name: string, id: NodeId): void {
    this.#hubs.get(name)?.nodes.delete(id)
    this.#forget(name)
  }

  /** The way between the nodes of a hub, until its `end`. */
  network(name: string): MemoryNetwork {
    const hub: Hub<Node> = this.#hubs.get(name) ?? { nodes: new Map(), isCut: false, isHeld: true }
    hub.isHeld = true
    this.#hubs.set(name, hub)
    const heal = (): void => {
      if (!hub.isCut) return
      hub.isCut = false
      for (const node of [...hub.nodes.values()]) node.healed()
    }
    return {
      cut: () => {
        hub.isCut = true
      },
      heal,
      breakOff() {
        for (const node of [...hub.nodes.values()]) node.breakOff()
      },
      end: () => {
        heal()
        hub.isHeld = false
        this.#forget(name)
      },
    }
  }

  #forget(name: string): void {
    const hub = this.#hubs.get(name)
    if (hub !== undefined && hub.nodes.size === 0 && !hub.isHeld) this.#hubs.delete(name)
  }
}

/** What can happen between the nodes of one hub, for tests. */
export interface MemoryNetwork {
  /**
   * From now on nothing gets through, in either direction, and nothing is closed: frames, ends of links and dials wait (as much of
   * them as without a cut), and gossip is lost.
   */
  cut(): void
  /** What waited goes on. */
  heal(): void
  /** Every link breaks, at both ends, with all that was on its way. */
  breakOff(): void
  /** Heals, and lets go of the hub. */
  end(): void
}
