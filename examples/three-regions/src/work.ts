import { countPrimes, spinForEver, waitForEver } from './contract.ts'

/** CPU-heavy work: each call runs on a thread of its own, beside the node's event loop. */
export const countPrimesHere = countPrimes.implement({
  module: import.meta,
  thread: 'own',
  run: (ctx, { below }) => ({
    primes: primesBelow(below),
    thread: ctx.self.thread,
    // Read from shared memory, on this thread, without asking anybody.
    regionsSeenThere: [...ctx.regions()],
  }),
})

/** Never yields. Only the end of its thread ends it. */
export const spinForEverHere = spinForEver.implement({
  module: import.meta,
  thread: 'own',
  run: () => {
    for (;;);
  },
})

/** Never answers, but hears when its caller is gone. */
export const waitForEverHere = waitForEver.implement({
  run: (ctx) => new Promise<null>((resolve) => ctx.signal.addEventListener('abort', () => resolve(null))),
})

function primesBelow(below: number): number {
  const composite = new Uint8Array(below)
  let primes = 0
  for (let candidate = 2; candidate < below; candidate += 1) {
    if (composite[candidate] === 1) continue
    primes += 1
    for (let multiple = candidate * candidate; multiple < below; multiple += candidate) composite[multiple] = 1
  }
  return primes
}
