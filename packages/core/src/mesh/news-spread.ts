import { type Gossip, GossipOutbox } from './gossip-outbox.ts'
import type { MeshSender } from './mesh-sender.ts'
import type { MeshShape } from './neighbours.ts'
import type { NodeId } from './transport.ts'

export interface NewsSpreadOptions {
  readonly sender: Pick<MeshSender, 'sendSealed'>
  readonly neighbours: () => ReadonlySet<NodeId>
  /** Call `round` in so many milliseconds. */
  readonly again: (afterMs: number) => void
  /** There was no room for one: others pass it on too. */
  readonly dropped: () => void
}

/**
 * To whom news goes over links. In a full mesh its author tells all, and everybody to whom it is news tells its neighbours at once, for those whom the author
 * can't reach; in a sparse one author and hearers tell their neighbours, with what else comes soon. An accusation goes that way in both.
 *
 * @example
 * spread.passOn([sealed], { via: 'the node that sent it', shape, isNewsToUsAlone: false, now })
 * clock.after(afterMs, () => spread.round(clock.monotonic()))
 */
export class NewsSpread {
  readonly #options: NewsSpreadOptions
  readonly #outbox = new GossipOutbox()
  #isRoundDue = false

  constructor(options: NewsSpreadOptions) {
    this.#options = options
  }

  /** This node's own record. */
  tell(sealed: Uint8Array, { peers, shape, now }: { peers: Iterable<NodeId>; shape: MeshShape; now: number }): void {
    if (shape === 'full') this.#options.sender.sendSealed([...peers], 'records', [sealed])
    else this.later('records', sealed, { via: undefined, now })
  }

  /** Records that one message made known here. */
  passOn(records: readonly Uint8Array[], { via, shape, isNewsToUsAlone, now }: Passing): void {
    if (shape === 'full') {
      const neighbours = [...this.#options.neighbours()].filter((node) => node !== via)
      this.#options.sender.sendSealed(neighbours, 'records', records)
    } else if (!isNewsToUsAlone) {
      for (const sealed of records) this.later('records', sealed, { via, now })
    }
  }

  /** To all neighbours but `via`, which said it: after a calm at once, else with what else comes in its time. */
  later(kind: Gossip, sealed: Uint8Array, { via, now }: { via: NodeId | undefined; now: number }): void {
    if (!this.#outbox.add(kind, sealed, via)) this.#options.dropped()
    if (this.#isRoundDue) return
    this.#isRoundDue = true
    this.#options.again(this.#outbox.waitMs(now))
  }

  /** The time came for what waits. */
  round(now: number): void {
    this.#isRoundDue = false
    const round = this.#outbox.take(now)
    if (round.isEmpty) return
    for (const node of this.#options.neighbours()) {
      for (const kind of ['records', 'accusations'] as const) {
        this.#options.sender.sendSealed([node], kind, round.of(kind, node))
      }
    }
  }
}

interface Passing {
  readonly via: NodeId
  readonly shape: MeshShape
  /** Of what a newcomer to a large mesh is told all others know: see `newcomer.ts`. */
  readonly isNewsToUsAlone: boolean
  readonly now: number
}
