import { type Rate, TokenBucket } from './token-bucket.ts'
import type { NodeId } from './transport.ts'

/** How often signatures in what one peer hands on are checked: enough for all that a large mesh has to say to a new node. */
export const checksRate: Rate = { burst: 8_192, perSecond: 200 }
/** A signature that is none counts as so many: lawful nodes hand on only what they have checked. */
export const forgedCost = 32
/** How often news of one node about itself is believed, and so passed on: many times what a lawful node has to say. */
export const newsRate: Rate = { burst: 64, perSecond: 2 }
/** How often one node's word against others is taken, and so passed on: twice as often as a lawful node accuses. */
export const accuserRate: Rate = { burst: 64, perSecond: 8 }

/**
 * Bounds what one node can make the others do: a bucket a node, that is filled again as time goes. Of `nodesMax` nodes; beyond
 * it the one that was asked for longest ago begins anew.
 */
export class NodeRates {
  readonly #rate: Rate
  readonly #nodesMax: number
  readonly #buckets = new Map<NodeId, TokenBucket>()

  constructor(rate: Rate, nodesMax: number) {
    this.#rate = rate
    this.#nodesMax = nodesMax
  }

  /** Takes so much; `false`: it is not left, and nothing was taken. `now` is on the monotonic clock, in milliseconds. */
  take(node: NodeId, now: number, cost = 1): boolean {
    return this.#of(node, now).take(now, cost)
  }

  /** Takes it in any case: see {@link TokenBucket.charge}. */
  charge(node: NodeId, now: number, cost: number): void {
    this.#of(node, now).charge(now, cost)
  }

  #of(node: NodeId, now: number): TokenBucket {
    const bucket = this.#buckets.get(node) ?? new TokenBucket(this.#rate, now)
    this.#buckets.delete(node)
    this.#buckets.set(node, bucket)
    if (this.#buckets.size > this.#nodesMax) this.#buckets.delete(this.#buckets.keys().next().value as NodeId)
    return bucket
  }
}
