import type { NodeId } from './transport.ts'

/** For how long what is to be passed on is collected, in milliseconds. */
const collectMs = 100
/** Records and accusations that wait to be passed on. Further ones are not taken: others pass them on too. */
const waitingMax = 8_192

export type Gossip = 'records' | 'accusations'

interface Waiting {
  readonly kind: Gossip
  readonly sealed: Uint8Array
  readonly via: NodeId | undefined
}

/**
 * What waits to be passed on to the neighbours. What comes after a while of calm goes on at once, so that a death that nothing
 * else is said beside crosses a mesh in the time of its hops; what comes within `collectMs` of that goes together.
 *
 * @example
 * const outbox = new GossipOutbox()
 * if (!outbox.add('records', sealed, 'the node that sent it')) counters.recordsIgnored += 1
 * clock.after(outbox.waitMs(now), () => send(outbox.take(now)))
 */
export class GossipOutbox {
  #waiting: Waiting[] = []
  #takenAt = -Infinity

  /** `via` is who sent it, and is not sent it back. `false`: there is no room. */
  add(kind: Gossip, sealed: Uint8Array, via: NodeId | undefined): boolean {
    if (this.#waiting.length >= waitingMax) return false
    this.#waiting.push({ kind, sealed, via })
    return true
  }

  /** When `take` should be called, from now. */
  waitMs(now: number): number {
    return Math.max(0, this.#takenAt + collectMs - now)
  }

  /** Empties it. What it gives back says what a neighbour is sent. */
  take(now: number): GossipRound {
    const waiting = this.#waiting
    this.#waiting = []
    this.#takenAt = now
    return {
      isEmpty: waiting.length === 0,
      of: (kind, node) => waiting.filter((one) => one.kind === kind && one.via !== node).map(({ sealed }) => sealed),
    }
  }
}

export interface GossipRound {
  readonly isEmpty: boolean
  of(kind: Gossip, node: NodeId): Uint8Array[]
}
