/** The seeds of a swarm that many threads share: each takes the next one. Plain data but for the shared memory. */
export interface SeedShare {
  readonly seeds: { readonly from: number; readonly count: number } | readonly number[]
  /** Two 32-bit words: how many were taken, and whether to stop. */
  readonly cells: SharedArrayBuffer
}

const takenCell = 0
const stopCell = 1
// The counter must not turn negative.
const countMax = 2 ** 31 - 1

/** `count` may be infinite. */
export function createSeedShare(seeds: SeedShare['seeds']): SeedShare {
  return { seeds, cells: new SharedArrayBuffer(8) }
}

/** The seeds that are left, until the end or {@link stopSeeds}. */
export function* takeSeeds({ seeds, cells }: SeedShare): Generator<number, void> {
  const words = new Int32Array(cells)
  const count = 'count' in seeds ? Math.min(seeds.count, countMax) : seeds.length
  while (Atomics.load(words, stopCell) === 0) {
    const taken = Atomics.add(words, takenCell, 1)
    if (taken >= count) {
      // Undone, so that it can't wrap round however often threads ask.
      Atomics.sub(words, takenCell, 1)
      return
    }
    yield 'count' in seeds ? seeds.from + taken : (seeds[taken] as number)
  }
}

/** No thread begins another seed. */
export function stopSeeds({ cells }: SeedShare): void {
  Atomics.store(new Int32Array(cells), stopCell, 1)
}
