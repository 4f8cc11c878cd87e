import type { Clock } from '@skerry/core/platform'

interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** Records by one author. A node publishes its own, when something changes; core believes two a second. */
export const authorRate: Rate = { burst: 64, perSecond: 8 }
/** Records beyond that, and invalid ones, that one neighbour hands on: those of two authors whom others took for slower, and more. */
export const uselessRate: Rate = { burst: 256, perSecond: 8 }
/** For how long a neighbour is not listened to that handed on more. */
export const deafMs = 30_000
/** Of so many authors, and of so many neighbours, it is known what they did. Whoever was heard of longest ago is forgotten. */
const knownMax = 4_096

interface Bucket {
  left: number
  atMs: number
}

/**
 * How often records are taken by gossip. gossipsub checks the signature of each, a tenth of a millisecond and more, and hands it on: without
 * a bound one member keeps all nodes busy. So an author is heard so often, here and by whoever would hand it on; and a
 * neighbour that hands on more is not listened to for a while, before any signature is checked.
 */
export class GossipRates {
  readonly #clock: Clock
  readonly #authors = new Map<string, Bucket>()
  readonly #useless = new Map<string, Bucket>()
  readonly #deafUntilMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a record of that author may be taken and handed on. */
  take(author: string, via: string): boolean {
    if (this.#spend(this.#authors, author, authorRate)) return true
    this.useless(via)
    return false
  }

  /** That neighbour handed on what is no use. */
  useless(via: string): void {
    if (this.#spend(this.#useless, via, uselessRate)) return
    this.#deafUntilMs.delete(via)
    this.#deafUntilMs.set(via, this.#clock.monotonic() + deafMs)
    forgetOldest(this.#deafUntilMs)
  }

  /** Whether that neighbour is listened to. */
  listensTo(via: string): boolean {
    const untilMs = this.#deafUntilMs.get(via)
    if (untilMs === undefined) return true
    if (untilMs > this.#clock.monotonic()) return false
    this.#deafUntilMs.delete(via)
    return true
  }

  #spend(buckets: Map<string, Bucket>, who: string, { burst, perSecond }: Rate): boolean {
    const nowMs = this.#clock.monotonic()
    const bucket = buckets.get(who) ?? { left: burst, atMs: nowMs }
    // At the end of the map: the first is the one that was heard of longest ago.
    buckets.delete(who)
    buckets.set(who, bucket)
    forgetOldest(buckets)
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.atMs) / 1_000) * perSecond)
    bucket.atMs = nowMs
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }
}

function forgetOldest(of: Map<string, unknown>): void {
  if (of.size <= knownMax) return
  const [oldest] = of.keys()
  of.delete(oldest as string)
}
