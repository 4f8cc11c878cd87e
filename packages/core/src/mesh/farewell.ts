import { type Deferred, deferred } from '../base/deferred.ts'
import type { Clock } from '../platform/clock.ts'
import type { NodeId } from './transport.ts'

/** Who has not heard yet that this node leaves. Whoever comes later is told too, and not waited for. */
export class Farewell {
  readonly #unheard: Set<NodeId>
  readonly #all: Deferred<void> = deferred()

  constructor(peers: Iterable<NodeId>) {
    this.#unheard = new Set(peers)
    if (this.#unheard.size === 0) this.#all.resolve()
  }

  /** That peer has heard it, or is gone. */
  heard(node: NodeId): void {
    if (this.#unheard.delete(node) && this.#unheard.size === 0) this.#all.resolve()
  }

  /** Resolves when all have, at the latest after `atMostMs`. */
  async whenHeard(clock: Clock, atMostMs: number): Promise<void> {
    const timer = clock.after(atMostMs, () => this.#all.resolve())
    await this.#all.promise
    timer.cancel()
  }
}
