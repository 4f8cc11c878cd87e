import type { LetterCount } from '../actor/letter-count.ts'
import type { NodeId } from '../actor/pid.ts'

/**
 * The letters of other nodes on a thread that is not main, which counts them from when it posts them. Here what was read and is no longer
 * in a mailbox is added up during a turn, and told to main behind it.
 */
export class ThreadLetters implements LetterCount {
  readonly #tellSoon: () => void
  readonly #gone = new Map<NodeId, number>()

  /** `tellSoon`: has {@link take} called behind this turn. */
  constructor(tellSoon: () => void) {
    this.#tellSoon = tellSoon
  }

  /** It waits in a mailbox. */
  add(node: NodeId, bytes: number): void {
    this.giveBack(node, -bytes)
  }

  /** It was read from the port, or has left a mailbox. */
  giveBack(node: NodeId, bytes: number): void {
    if (this.#gone.size === 0) this.#tellSoon()
    this.#gone.set(node, (this.#gone.get(node) ?? 0) + bytes)
  }

  /** What has gone since the last time, by node. */
  take(): [NodeId, number][] {
    const gone = [...this.#gone].filter(([, bytes]) => bytes !== 0)
    this.#gone.clear()
    return gone
  }
}
