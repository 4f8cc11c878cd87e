import { setTimeout } from 'node:timers/promises'
import { procedure } from '@skerry/core'

/** Waits for 10 ms, as for a database that takes 20 queries at a time: 2,000 calls a second at best. */
export const waits = procedure({ name: 'overload.waits', maxInFlight: 20, run: () => setTimeout(10) })

/** Uses the processor for 2 ms: 500 calls a second at best. Without a bound of its own. */
export const burns = procedure({
  name: 'overload.burns',
  run: () => {
    const until = performance.now() + 2
    while (performance.now() < until);
  },
})
