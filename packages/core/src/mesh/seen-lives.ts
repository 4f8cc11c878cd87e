import type { NodeId } from './transport.ts'

// What is forgotten beyond these, oldest first, gets `noconnection` where `noproc` would be true.
const nodesMax = 16_384
const livesMax = 8

/**
 * The lives that links were up to: of the newest 16,384 nodes, the last 8 of each. All before the last one are over for sure. Lives do not
 * tell their order by themselves, as a clock that was set back gives a lower one: of one that no link was up to nothing is known.
 */
export class SeenLives {
  /** The last one last, of nodes as of lives. */
  readonly #lives = new Map<NodeId, readonly number[]>()

  /** A link to it is up. */
  met(node: NodeId, life: number): void {
    const lives = this.#lives.get(node) ?? []
    if (lives.at(-1) === life) return
    this.#lives.delete(node)
    this.#lives.set(node, [...lives.filter((one) => one !== life), life].slice(-livesMax))
    if (this.#lives.size > nodesMax) this.#lives.delete(this.#lives.keys().next().value as NodeId)
  }

  /** Whether it is over for sure. */
  isOver(node: NodeId, life: number): boolean {
    return this.#lives.get(node)?.slice(0, -1).includes(life) === true
  }
}
