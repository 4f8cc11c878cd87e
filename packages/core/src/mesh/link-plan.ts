import type { MeshShape } from './neighbours.ts'
import type { NodeRecord } from './node-record.ts'
import type { PeerLinks } from './peer-links.ts'
import type { NodeId } from './transport.ts'

/** With so many links of the plan up, a sparse mesh does without its seeds. */
const linksToRestSeeds = 3
/** Nodes that are no members any more, which are dialled on: they may be behind a cut that heals. The oldest is given up. */
const lostMax = 8

/** Which nodes are dialled because the mesh wants a link to them, told to the links as it changes. */
export class LinkPlan {
  readonly #links: Pick<PeerLinks, 'learn' | 'hurry' | 'forget' | 'restSeeds' | 'measured'>
  #wanted: ReadonlySet<NodeId> = new Set()
  /** Dialled, in the order in which they were learnt. */
  readonly #dialled = new Set<NodeId>()
  /** Dialled although they are no members any more. */
  readonly #lost = new Set<NodeId>()

  constructor(links: Pick<PeerLinks, 'learn' | 'hurry' | 'forget' | 'restSeeds' | 'measured'>) {
    this.#links = links
  }

  isWanted(node: NodeId): boolean {
    return this.#wanted.has(node)
  }

  /** A newer record came. */
  learnt({ node, addresses }: NodeRecord, shape: MeshShape): void {
    if (shape === 'sparse' && !this.#dialled.has(node)) return
    this.#dial(node, addresses)
    this.heardOf(node)
  }

  /** Somebody vouches for it. Of a node that was lost it may be a sign of life. */
  heardOf(node: NodeId): void {
    if (this.#lost.has(node)) this.#links.hurry(node)
  }

  /** A link came up, or was given up: one that the plan does not want was made for a signal, and is not to be made again. */
  linkedTo(node: NodeId, shape: MeshShape): void {
    if (shape === 'sparse' && !this.#wanted.has(node) && !this.#lost.has(node)) this.forget(node)
  }

  forget(node: NodeId): void {
    this.#links.forget(node)
    this.#dialled.delete(node)
    this.#lost.delete(node)
  }

  /** Sees to it that these are dialled, and others no more. */
  follow(wanted: Iterable<NodeId>, shape: MeshShape, recordOf: (node: NodeId) => NodeRecord | undefined): void {
    this.#wanted = new Set(wanted)
    for (const node of this.#wanted) {
      this.#lost.delete(node)
      if (!this.#dialled.has(node)) this.#dial(node, recordOf(node)?.addresses ?? [])
    }
    for (const node of this.#dialled) {
      if (this.#wanted.has(node) || this.#lost.has(node)) continue
      if (recordOf(node) === undefined) this.#lost.add(node)
      else this.forget(node)
    }
    for (const node of this.#lost) {
      if (this.#lost.size <= lostMax) break
      this.forget(node)
    }
    if (shape === 'full') {
      this.#links.restSeeds(false)
      return
    }
    let linked = 0
    for (const node of this.#wanted) if (this.#links.measured(node) !== undefined) linked += 1
    this.#links.restSeeds(linked >= linksToRestSeeds)
  }

  #dial(node: NodeId, addresses: readonly string[]): void {
    if (addresses.length > 0) this.#dialled.add(node)
    for (const address of addresses) this.#links.learn(address, node)
  }
}
