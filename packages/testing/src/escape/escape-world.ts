import type { Clock, Random, Timer } from '@skerry/core/platform'

/** What stands behind the globals of time and chance while a simulation runs. */
export interface EscapeWorld {
  /** Whether an event of the simulation runs right now. While it is `false` everything is real. */
  readonly inside: boolean
  /** Of the thread whose event runs. What is set on it runs as an event of that thread. */
  readonly clock: Clock
  readonly random: Random
  /** Runs `run` at the same virtual moment, after the event that runs now: `setImmediate`. */
  soon(run: () => void): Timer
  /** Code did something that is real. If this throws, the caller gets the error; if it returns, the real thing is done. */
  escaped(escape: Escape): void
}

/** Something real that code did inside an event. */
export interface Escape {
  /** Such as `fs.stat` or `new Worker`. */
  readonly what: string
  /** The absolute path of the file that did it. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly stack: string
}

/** One line: `fs.stat at /app/src/cart.ts:12:7`. */
export function formatEscape({ what, file, line, column }: Escape): string {
  return `${what} at ${file}:${line}:${column}`
}
