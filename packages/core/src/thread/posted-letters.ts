import { heldOf } from '../actor/held-letter.ts'
import type { LetterCount } from '../actor/letter-count.ts'
import type { NodeId } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'

/** What the letters of other nodes count that were posted to one thread and are not known to have gone there. */
export class PostedLetters {
  readonly #letters: LetterCount
  readonly #nodes = new Map<NodeId, number>()

  constructor(letters: LetterCount) {
    this.#letters = letters
  }

  posted(signal: Signal): void {
    const held = heldOf(signal)
    if (held === undefined) return
    this.#letters.add(held.node, held.bytes)
    this.#nodes.set(held.node, (this.#nodes.get(held.node) ?? 0) + held.bytes)
  }

  gone(node: NodeId, bytes: number): void {
    const left = (this.#nodes.get(node) ?? 0) - bytes
    if (left > 0) this.#nodes.set(node, left)
    else this.#nodes.delete(node)
    this.#letters.giveBack(node, bytes)
  }

  /** The thread is: so are all. */
  drop(): void {
    for (const [node, bytes] of this.#nodes) this.#letters.giveBack(node, bytes)
    this.#nodes.clear()
  }
}
