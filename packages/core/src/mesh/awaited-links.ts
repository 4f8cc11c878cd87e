import type { Clock, Timer } from '../platform/clock.ts'
import type { NodeId } from './transport.ts'

/** How long a signal waits for a link at most, in milliseconds, and after how many failed dials it waits no more. */
const awaitMs = 5_000
const failedDialsMax = 3

/**
 * The nodes that are being dialled because a signal waits for it: each until a link is up, for 5 seconds at most, and three dials. One that
 * is given up is awaited no more before `gaveUp` is told; how many there are is bounded by whoever holds what waits.
 */
export class AwaitedLinks {
  readonly #clock: Clock
  readonly #gaveUp: (node: NodeId) => void
  readonly #awaited = new Map<NodeId, { readonly timer: Timer; failedDials: number }>()

  constructor(clock: Clock, gaveUp: (node: NodeId) => void) {
    this.#clock = clock
    this.#gaveUp = gaveUp
  }

  begin(node: NodeId): void {
    this.end(node)
    this.#awaited.set(node, { timer: this.#clock.after(awaitMs, () => this.#giveUp(node)), failedDials: 0 })
  }

  /** A dial to it failed, whoever wanted it. */
  dialFailed(node: NodeId): void {
    const awaited = this.#awaited.get(node)
    if (awaited === undefined) return
    awaited.failedDials += 1
    if (awaited.failedDials >= failedDialsMax) this.#giveUp(node)
  }

  /** A link is up, or nothing waits any more. */
  end(node: NodeId): void {
    this.#awaited.get(node)?.timer.cancel()
    this.#awaited.delete(node)
  }

  #giveUp(node: NodeId): void {
    this.end(node)
    this.#gaveUp(node)
  }
}
