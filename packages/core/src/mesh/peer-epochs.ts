import type { PeerEpoch } from './link-decision.ts'
import type { NodeId } from './transport.ts'

// Losing one costs at most a link that is up for a moment, so the oldest goes.
const epochsKeptMax = 16_384

/** The last that each peer said of its life and epoch, also after its link is gone. */
export class PeerEpochs {
  readonly #latest = new Map<NodeId, PeerEpoch>()
  readonly #isLinked: (node: NodeId) => boolean

  constructor(isLinked: (node: NodeId) => boolean) {
    this.#isLinked = isLinked
  }

  get(peer: NodeId): PeerEpoch | undefined {
    return this.#latest.get(peer)
  }

  note(peer: NodeId, { life, epoch }: PeerEpoch): void {
    this.#latest.delete(peer)
    this.#latest.set(peer, { life, epoch })
    if (this.#latest.size <= epochsKeptMax) return
    for (const node of this.#latest.keys()) {
      if (this.#isLinked(node)) continue
      this.#latest.delete(node)
      return
    }
  }
}
