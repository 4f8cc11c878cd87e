import type { NodeId } from './transport.ts'

/** How long a node that could not be dialled is routed around, in milliseconds. */
const unreachableMs = 5_000

/** The nodes that no link could be made to when one was needed: routed around for `unreachableMs`, or until there is a link. */
export class UnreachableNodes {
  readonly #until = new Map<NodeId, number>()

  has(node: NodeId): boolean {
    return this.#until.has(node)
  }

  /** Dials to it failed. */
  add(node: NodeId, now: number): void {
    this.#until.set(node, now + unreachableMs)
  }

  /** There is a link to it. */
  linked(node: NodeId): void {
    this.#until.delete(node)
  }

  /** Lets those go whose time is over. `true`: there were some. */
  expire(now: number): boolean {
    let gone = false
    for (const [node, until] of this.#until) {
      if (now < until) continue
      this.#until.delete(node)
      gone = true
    }
    return gone
  }
}
