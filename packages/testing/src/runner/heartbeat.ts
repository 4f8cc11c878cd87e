// Two 64-bit words: the seed that runs, and how often the thread showed that it gets on.
const seedCell = 0
const beatsCell = 1

/** Shared memory by which a thread shows that it gets on, and with which seed, while it does nothing else. */
export interface Heartbeat {
  readonly memory: SharedArrayBuffer
  /** The thread begins with a seed. */
  begin(seed: number): void
  beat(): void
  readonly seed: number
  readonly beats: bigint
}

export function heartbeat(memory: SharedArrayBuffer = new SharedArrayBuffer(16)): Heartbeat {
  const words = new BigInt64Array(memory)
  return {
    memory,
    begin(seed) {
      Atomics.store(words, seedCell, BigInt(seed))
      Atomics.add(words, beatsCell, 1n)
    },
    beat() {
      Atomics.add(words, beatsCell, 1n)
    },
    get seed() {
      return Number(Atomics.load(words, seedCell))
    },
    get beats() {
      return Atomics.load(words, beatsCell)
    },
  }
}
