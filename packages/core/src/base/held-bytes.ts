/** What is no larger is not counted: most is, and its number is bounded elsewhere. */
export const uncountedBytesMax = 1_024

/** How much of others may be held at a time, in bytes. */
export interface HeldBytesLimits {
  /** Of all together. */
  readonly bytesMax: number
  /** Of one. */
  readonly perPeerBytesMax: number
}

/**
 * What is held of each peer, in bytes, within two bounds: one for each, one for all. One thing of any size is taken where nothing is
 * held, of that peer for its bound, of anybody for that of all: else what may be sent at all could never be held.
 */
export class HeldBytes {
  readonly #limits: HeldBytesLimits
  readonly #peers = new Map<string, number>()
  #all = 0

  constructor(limits: HeldBytesLimits) {
    this.#limits = limits
  }

  get all(): number {
    return this.#all
  }

  /** Whether there is room, which is taken then. */
  take(peer: string, bytes: number): boolean {
    return this.takeMore(peer, bytes, 0)
  }

  /** The same for more of something that holds `own` already, which is not in its own way. */
  takeMore(peer: string, bytes: number, own: number): boolean {
    const its = this.#peers.get(peer) ?? 0
    if (its > own && its + bytes > this.#limits.perPeerBytesMax) return false
    if (this.#all > own && this.#all + bytes > this.#limits.bytesMax) return false
    this.add(peer, bytes)
    return true
  }

  /** Beyond the bounds too. */
  add(peer: string, bytes: number): void {
    this.#peers.set(peer, (this.#peers.get(peer) ?? 0) + bytes)
    this.#all += bytes
  }

  /** As many as were taken. */
  giveBack(peer: string, bytes: number): void {
    const its = (this.#peers.get(peer) ?? 0) - bytes
    if (its > 0) this.#peers.set(peer, its)
    else this.#peers.delete(peer)
    this.#all -= bytes
  }
}
