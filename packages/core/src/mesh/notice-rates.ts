import type { NodeNotice } from './frame.ts'
import { NodeRates } from './record-rate.ts'
import type { Rate } from './token-bucket.ts'
import type { NodeId } from './transport.ts'

/** Threads that one peer says it lost: all threads of ours are told of each. No node has so many. */
export const threadDownsRate: Rate = { burst: 1_024, perSecond: 64 }
/** Its other notices, which are answered, and may have all our threads asked whether they use its link. */
export const noticesRate: Rate = { burst: 64, perSecond: 8 }

/**
 * How often a peer's notices are heard. One that it lost a thread must not be missed, so that a peer which says more than can be true is
 * taken for broken; the others can be.
 *
 * @example
 * const verdict = rates.judge(peer.node, notice.type, clock.monotonic())
 * if (verdict === 'violation') links.violated(peer.node, 'it lost more threads than a node has')
 */
export class NoticeRates {
  readonly #threadDowns: NodeRates
  readonly #others: NodeRates

  /** Of `nodesMax` peers; beyond it the one that said something longest ago begins anew. */
  constructor(nodesMax: number) {
    this.#threadDowns = new NodeRates(threadDownsRate, nodesMax)
    this.#others = new NodeRates(noticesRate, nodesMax)
  }

  judge(node: NodeId, type: NodeNotice['type'], now: number): 'take' | 'drop' | 'violation' {
    if (type === 'threadDown') return this.#threadDowns.take(node, now) ? 'take' : 'violation'
    return this.#others.take(node, now) ? 'take' : 'drop'
  }
}
