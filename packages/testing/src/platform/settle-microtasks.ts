// What settles a program has to stand outside it.
// oxlint-disable no-restricted-properties
import { TestingError } from './errors.ts'

const passesMax = 100_000

// While anyone settles, `process.nextTick` counts the calls of others. Several may settle at a time: our own ticks go to
// the real function, so they don't count each other's.
let settling = 0
let ticks = 0
let realNextTick = process.nextTick

/**
 * Resolves when no `process.nextTick` callback and no microtask is left, without letting timers or I/O in. Ticks that
 * code schedules through its own copy of `nextTick`, taken before, are not seen.
 *
 * Rejects with `ERR_NOT_SETTLED` after 100,000 rounds of ticks and promises that take turns. Microtasks that only ever
 * queue microtasks, and ticks that only ever queue ticks, can't be interrupted from inside the thread: they hang it, as
 * they would hang any program.
 */
export async function settleMicrotasks(): Promise<void> {
  if (settling === 0) {
    realNextTick = process.nextTick
    process.nextTick = countingNextTick
  }
  settling += 1
  try {
    // Two quiet passes in a row. In the first one, ticks that were waiting from before we counted may still have run
    // ahead of ours and started promise chains; the second one begins with no such tick, and ours runs only when all
    // microtasks are done.
    let quiet = 0
    for (let pass = 0; quiet < 2; pass += 1) {
      if (pass === passesMax) throw new TestingError('ERR_NOT_SETTLED', `Not quiet after ${passesMax} rounds of ticks`)
      const before = ticks
      await new Promise<void>((resolve) => realNextTick(resolve))
      quiet = ticks === before ? quiet + 1 : 0
    }
  } finally {
    settling -= 1
    if (settling === 0) process.nextTick = realNextTick
  }
}

function countingNextTick(...call: Parameters<typeof process.nextTick>): void {
  ticks += 1
  realNextTick(...call)
}
