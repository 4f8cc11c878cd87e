import type { Clock, Timer } from '../platform/platform.ts'
import type { NodeNotice } from './frame.ts'
import type { NodeId } from './transport.ts'

/** A link that nobody used for so long may rest, in milliseconds. */
const idleMs = 30_000
/** How long the other side may take to say whether it rests too, in milliseconds. */
const answerMs = 5_000

/** What was seen of one link that this node does not need. */
export interface IdleWatch {
  readonly traffic: number
  readonly since: number
}

/** The watch after another look, and whether the link was not used for `idleMs`. */
export function lookedAt(
  before: IdleWatch | undefined,
  traffic: number,
  now: number,
): { readonly watch: IdleWatch; readonly isIdle: boolean } {
  if (before?.traffic !== traffic) return { watch: { traffic, since: now }, isIdle: false }
  return { watch: before, isIdle: now - before.since >= idleMs }
}

export interface IdleLinksOptions {
  readonly self: NodeId
  readonly clock: Clock
  /** How many frames went and came over the link to it; `undefined` without one. */
  readonly trafficOf: (node: NodeId) => number | undefined
  /** Whether this node can do without a link to it: nothing that it sent, however long ago, is still under way there. */
  readonly isSpare: (node: NodeId) => boolean
  /** Whether a link, a monitor, a call or a stream of any thread goes to or from it. */
  readonly crosses: (node: NodeId) => Promise<boolean>
  readonly tell: (node: NodeId, notice: NodeNotice) => void
  /** From now on nothing is sent to it. */
  readonly hold: (node: NodeId) => void
  /** What was held is sent. */
  readonly release: (node: NodeId) => void
  /** Says goodbye. */
  readonly leave: (node: NodeId) => void
}

/**
 * Closes links that nobody needs. One side finds that nothing crosses the link, sends nothing more and says so; the other looks
 * too, and either says goodbye or that it still has a use for it. So nothing is ever under way when the goodbye comes, and no
 * `noconnection` is fired by it. Where both say so at a time the smaller id leaves.
 */
export class IdleLinks {
  readonly #options: IdleLinksOptions
  readonly #watched = new Map<NodeId, IdleWatch>()
  /** We have said that we rest. The timer ends the wait for an answer. */
  readonly #resting = new Map<NodeId, Timer>()
  readonly #asking = new Set<NodeId>()

  constructor(options: IdleLinksOptions) {
    this.#options = options
  }

  /** Looks at the links that are up. About once a second. */
  look(nodes: Iterable<NodeId>): void {
    const { clock, trafficOf, isSpare } = this.#options
    const now = clock.monotonic()
    for (const node of nodes) {
      const traffic = trafficOf(node)
      if (traffic === undefined || !isSpare(node)) {
        this.#watched.delete(node)
        continue
      }
      const { watch, isIdle } = lookedAt(this.#watched.get(node), traffic, now)
      this.#watched.set(node, watch)
      if (isIdle && !this.#resting.has(node)) this.#ifUnused(node, () => this.#rest(node))
    }
  }

  /** The peer rests. */
  peerRests(node: NodeId): void {
    const { self, isSpare, leave, tell } = this.#options
    if (this.#resting.has(node)) {
      // Both of us have looked, and have sent nothing since.
      if (self < node) leave(node)
    } else if (isSpare(node)) {
      this.#ifUnused(
        node,
        () => leave(node),
        () => tell(node, { type: 'notResting' }),
      )
    } else tell(node, { type: 'notResting' })
  }

  /** The peer has a use for the link. */
  peerDoesNotRest(node: NodeId): void {
    if (!this.#resting.has(node)) return
    this.#endRest(node)
    this.#watched.delete(node)
    this.#options.release(node)
  }

  /** The link is gone. What was held is the caller's. */
  down(node: NodeId): void {
    this.#endRest(node)
    this.#watched.delete(node)
  }

  #rest(node: NodeId): void {
    const { clock, hold, tell } = this.#options
    tell(node, { type: 'resting' })
    hold(node)
    this.#resting.set(
      node,
      clock.after(answerMs, () => this.peerDoesNotRest(node)),
    )
  }

  #endRest(node: NodeId): void {
    this.#resting.get(node)?.cancel()
    this.#resting.delete(node)
  }

  #ifUnused(node: NodeId, then: () => void, otherwise: () => void = nothing): void {
    const { crosses, trafficOf, isSpare } = this.#options
    const traffic = trafficOf(node)
    if (this.#asking.has(node)) {
      otherwise()
      return
    }
    this.#asking.add(node)
    void crosses(node).then((isUsed) => {
      this.#asking.delete(node)
      // Whatever began meanwhile has sent or received something.
      const isStill = traffic !== undefined && trafficOf(node) === traffic && isSpare(node)
      if (isUsed || !isStill) otherwise()
      else if (!this.#resting.has(node)) then()
    })
  }
}

function nothing(): void {}
