import type { NodeId } from './transport.ts'

/** So many at once, and so many a second from then on. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** How often signatures in what one peer hands on are checked: enough for all that a large mesh has to say to a new node. */
export const checksRate: Rate = { burst: 8_192, perSecond: 200 }
/** How often news of one node about itself is believed, and so passed on: many times what a lawful node has to say. */
export const newsRate: Rate = { burst: 64, perSecond: 2 }

interface Bucket {
  left: number
  at: number
}

/**
 * Bounds what one node can make the others do: a bucket a node, that is filled again as time goes. Of `nodesMax` nodes; beyond
 * it the one that was asked for longest ago begins anew.
 */
export class NodeRates {
  readonly #rate: Rate
  readonly #nodesMax: number
  readonly #buckets = new Map<NodeId, Bucket>()

  constructor(rate: Rate, nodesMax: number) {
    this.#rate = rate
    this.#nodesMax = nodesMax
  }

  /** Takes one; `false`: there is none left. `now` is on the monotonic clock, in milliseconds. */
  take(node: NodeId, now: number): boolean {
    const { burst, perSecond } = this.#rate
    const before = this.#buckets.get(node)
    this.#buckets.delete(node)
    const filled = before === undefined ? burst : before.left + ((now - before.at) / 1_000) * perSecond
    const left = Math.min(burst, filled)
    const isThere = left >= 1
    this.#buckets.set(node, { left: isThere ? left - 1 : left, at: now })
    if (this.#buckets.size > this.#nodesMax) this.#buckets.delete(this.#buckets.keys().next().value as NodeId)
    return isThere
  }
}
