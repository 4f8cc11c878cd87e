import { realMs } from '../platform/real-time.ts'
import type { SimulationOptions } from '../simulation/definition.ts'
import type { SeedSettings } from './environment.ts'

const seedsDefault = 20

/** Which seeds to run. */
export interface SeedsToRun {
  /** In order; may have no end where a time is given. */
  readonly seeds: Iterable<number>
  /** How many there are, where that is known. */
  readonly count?: number
}

/** The seeds that a simulation asks for, unless `settings` know better. */
export function seedsToRun(wanted: SimulationOptions['seeds'], settings: SeedSettings): SeedsToRun {
  const { seed, runs, timeMs } = settings
  if (seed !== undefined) return { seeds: [seed], count: 1 }
  if (timeMs !== undefined) return { seeds: countUp(runs ?? Infinity, realMs() + timeMs) }
  if (runs === undefined && typeof wanted === 'object') return { seeds: wanted, count: wanted.length }
  const count = runs ?? (typeof wanted === 'number' ? wanted : seedsDefault)
  return { seeds: countUp(count, Infinity), count }
}

/** At least one seed, however short the time. */
function* countUp(count: number, untilMs: number): Generator<number, void> {
  for (let seed = 1; seed <= count; seed += 1) {
    yield seed
    if (realMs() >= untilMs) return
  }
}
