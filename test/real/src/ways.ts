/** Where a node's process listens and whom it dials. */
export interface Berth {
  readonly listen: string
  readonly announce: string
  readonly seeds: readonly string[]
  /** The address that its connections come from, where that tells who dials. */
  readonly localAddress?: string
  /** What stands before its command line: another network, for instance. */
  readonly wrapper: readonly string[]
}

/** How the processes of a cluster reach each other, one a region, and what can go wrong between them. */
export interface Ways {
  berth(region: string): Berth
  /** Nothing goes from one of `from` to one of `to` until the function that it returns is called. */
  cut(from: readonly string[], to: readonly string[]): () => void
  close(): Promise<void>
}

/** What holds between two hosts in one direction. */
export interface Way {
  readonly delayMs: number
  /** At most so much is added to the delay or taken from it, by chance. */
  readonly jitterMs: number
  /** The share of packets that is lost, from 0 to 1. */
  readonly loss: number
}
