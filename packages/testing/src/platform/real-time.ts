import { performance } from 'node:perf_hooks'

// Taken when this module loads, before a simulation replaces the globals.
const realSetImmediate = setImmediate
const realNow = performance.now.bind(performance)

/** Real milliseconds, for progress lines and for letting the event loop breathe: never for a decision of a simulation. */
export function realMs(): number {
  return realNow()
}

/** Runs `run` in a macrotask of the real event loop. */
export function inMacrotask(run: () => void): void {
  realSetImmediate(run)
}
