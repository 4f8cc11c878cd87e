import { randomFillSync, randomUUID } from 'node:crypto'

/** All chance of one node: everything that is drawn comes from here, so that a seed can decide it. */
export interface Random {
  /** A uniform integer from 0 to 2^32-1. */
  u32(): number
  /** A uniform integer from 0 to `below` - 1, for `below` from 1 to 2^32. */
  int(below: number): number
  /** A uniform number from 0, included, to 1, excluded. */
  float(): number
  /** An unguessable id of 36 characters (an RFC 9562 version 4 UUID); a seed makes it guessable in simulation. */
  id(): string
}

// Each refill allocates a little and takes some microseconds, however much it fills: two draws go into every choice of a node.
const pool = new Uint32Array(2_048)
let poolNext = pool.length

/** The operating system's randomness. */
export const systemRandom: Random = {
  u32: nextU32,
  int: (below) => Math.floor((nextU32() / 2 ** 32) * below),
  float: () => nextU32() / 2 ** 32,
  id: () => randomUUID(),
}

function nextU32(): number {
  if (poolNext === pool.length) {
    randomFillSync(pool)
    poolNext = 0
  }
  const drawn = pool[poolNext] as number
  poolNext += 1
  return drawn
}
