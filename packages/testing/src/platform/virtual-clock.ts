import type { Clock, Timer } from '@skerry/core/platform'
import { TestingError } from './errors.ts'
import { settleMicrotasks } from './settle-microtasks.ts'

/** A clock that moves only when told, and then runs what became due, in a fixed order. */
export interface VirtualClock extends Clock {
  /**
   * Moves time on by `ms`, running due timers by deadline and then by creation; before, between and after them
   * everything settles. Rejects with what a timer throws, and with `ERR_TOO_MANY_TIMERS` past `timersMax`; time then
   * stands at the timer that ran last.
   */
  advance(ms: number): Promise<void>
  /** Moves time to the next deadline and runs what is due then. `false`, and nothing happens, when no timer is set. */
  advanceToNext(): Promise<boolean>
  /** How many timers are set. */
  readonly pending: number
}

export interface VirtualClockOptions {
  /** The wall clock at the start, in milliseconds since 1970. Default 1,700,000,000,000 (November 2023). */
  readonly startWallMs?: number
  /** How many timers one advance may run. Default 100,000. */
  readonly timersMax?: number
  /** Runs everything that can run without time passing. Default: ticks and microtasks. */
  readonly settle?: () => Promise<void>
}

interface Entry {
  readonly deadline: number
  readonly serial: number
  readonly run: () => void
}

const delayMsMax = 2 ** 31 - 1

/**
 * Virtual time from 0, for one node or for several that share a clock.
 *
 * @example
 * const clock = virtualClock()
 * clock.after(500, () => retry())
 * await clock.advance(500)
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const { startWallMs = 1_700_000_000_000, timersMax = 100_000, settle = settleMicrotasks } = options
  // In the order in which they run.
  const entries: Entry[] = []
  let now = 0
  let created = 0
  let advancing = false

  async function advanceTo(target: number): Promise<void> {
    if (advancing) throw new Error('Assertion failed: a virtual clock is advanced by one caller at a time')
    advancing = true
    try {
      await settle()
      let run = 0
      for (let next = entries[0]; next !== undefined && next.deadline <= target; next = entries[0]) {
        if (run === timersMax) throw tooManyTimers(timersMax, now)
        run += 1
        entries.shift()
        now = next.deadline
        next.run()
        await settle()
      }
      now = target
    } finally {
      advancing = false
    }
  }

  return {
    wall: () => startWallMs + now,
    monotonic: () => now,
    after(delayMs, run) {
      const entry = { deadline: now + Math.min(Math.max(delayMs, 0), delayMsMax), serial: created, run }
      if (Number.isNaN(entry.deadline)) throw new Error(`Assertion failed: a delay of ${delayMs} ms is no number`)
      created += 1
      entries.splice(firstAfter(entries, entry), 0, entry)
      return timerOf(entries, entry)
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new Error(`Assertion failed: time does not advance by ${ms} ms`)
      await advanceTo(now + ms)
    },
    async advanceToNext() {
      // What settles first may still set or cancel timers.
      await settle()
      const next = entries[0]
      if (next !== undefined) await advanceTo(next.deadline)
      return next !== undefined
    },
    get pending() {
      return entries.length
    },
  }
}

function timerOf(entries: Entry[], entry: Entry): Timer {
  return {
    cancel() {
      const index = firstAfter(entries, entry) - 1
      if (entries[index] === entry) entries.splice(index, 1)
    },
  }
}

/** The index of the first entry that runs after `entry`. */
function firstAfter(entries: readonly Entry[], entry: Entry): number {
  let from = 0
  let to = entries.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const other = entries[middle] as Entry
    const isAfter =
      other.deadline > entry.deadline || (other.deadline === entry.deadline && other.serial > entry.serial)
    if (isAfter) to = middle
    else from = middle + 1
  }
  return from
}

function tooManyTimers(timersMax: number, now: number): TestingError {
  return new TestingError(
    'ERR_TOO_MANY_TIMERS',
    `More than ${timersMax} timers ran in one advance, the last at ${now} ms: does one set itself again without a delay?`,
  )
}
