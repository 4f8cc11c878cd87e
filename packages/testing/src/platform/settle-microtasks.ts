import { TestingError } from './errors.ts'
import { unwatchedNextTick, watchNextTick } from './watch-next-tick.ts'

const passesMax = 100_000

/**
 * Resolves when no `process.nextTick` callback and no microtask is left, without letting timers or I/O in. Ticks that
 * code schedules through its own copy of `nextTick`, taken before, are not seen.
 *
 * Rejects with `ERR_NOT_SETTLED` after 100,000 rounds of ticks and promises that take turns. Microtasks that only ever
 * queue microtasks, and ticks that only ever queue ticks, can't be interrupted from inside the thread: they hang it, as
 * they would hang any program.
 */
export async function settleMicrotasks(): Promise<void> {
  let ticks = 0
  // Several may settle at a time: our own ticks are unwatched, so they don't count each other's.
  const unwatch = watchNextTick(() => (ticks += 1))
  try {
    // Two quiet passes in a row. In the first one, ticks that were waiting from before we counted may still have run
    // ahead of ours and started promise chains; the second one begins with no such tick, and ours runs only when all
    // microtasks are done.
    let quiet = 0
    for (let pass = 0; quiet < 2; pass += 1) {
      if (pass === passesMax) throw new TestingError('ERR_NOT_SETTLED', `Not quiet after ${passesMax} rounds of ticks`)
      const before = ticks
      await new Promise<void>((resolve) => unwatchedNextTick(resolve))
      quiet = ticks === before ? quiet + 1 : 0
    }
  } finally {
    unwatch()
  }
}
