import { TestingError } from '../platform/errors.ts'
import type { SimulationOptions } from '../simulation/definition.ts'
import { resolveCase } from '../simulation/resolve-case.ts'

/** A simulation with what a whole swarm of its seeds must show. */
export interface SimulationDefinition extends SimulationOptions {
  /**
   * Ids of `sometimes`, `reachable` and `always` that a swarm of at least 1,000 seeds must come across. A line that is
   * never reached can't say so itself.
   */
  readonly expects?: readonly string[]
}

/**
 * Checks a simulation and gives it back, so that a file can export it for `skerry-sim` and a test can run it. Throws
 * `ERR_BAD_SIMULATION` or `ERR_BAD_FAULT`.
 *
 * @example
 * export const orders = defineSimulation({ app: shop, regions: { syd: 2, lax: 1 }, faults: 'all', workload, invariants })
 * // npx skerry-sim run orders.sim.mjs --seeds 1000
 */
export function defineSimulation<Definition extends SimulationDefinition>(definition: Definition): Definition {
  for (const [region, count] of Object.entries(definition.regions)) {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw bad(`the region "${region}" has ${count} nodes: give a whole number from 1`)
    }
  }
  for (const key of ['durationMs', 'healMs', 'restartMs', 'eventsMax'] as const) {
    const value = definition[key]
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) throw bad(`${key} is ${value}`)
  }
  checkSeeds(definition.seeds)
  checkInvariants(definition)
  // A first seed shows what else can't be: regions and faults.
  resolveCase(definition, 1)
  return definition
}

/** What a simulation is called, in reports and in the names of files. */
export function simulationName({ name, app }: SimulationOptions): string {
  return name ?? (typeof app === 'function' ? 'simulation' : app.name)
}

/** Whether something that a module exports looks like a simulation. */
export function isSimulation(value: unknown): value is SimulationDefinition {
  return typeof value === 'object' && value !== null && 'app' in value && 'regions' in value
}

function checkSeeds(seeds: SimulationOptions['seeds']): void {
  const isCount = typeof seeds === 'number'
  for (const seed of isCount ? [seeds] : (seeds ?? [])) {
    if (!Number.isSafeInteger(seed) || seed < (isCount ? 1 : 0))
      throw bad(`seeds: ${seed} is no whole number of its range`)
  }
  if (!isCount && seeds?.length === 0) throw bad('seeds: the list is empty')
}

function checkInvariants({ invariants = [] }: SimulationOptions): void {
  const ids = new Set<string>()
  for (const { id, check, atEnd, everyMs } of invariants) {
    if (id === '') throw bad('an invariant needs an id')
    if (ids.has(id)) throw bad(`two invariants are called "${id}"`)
    ids.add(id)
    if (check === undefined && atEnd === undefined) throw bad(`the invariant "${id}" has neither "check" nor "atEnd"`)
    if (typeof everyMs === 'number' && !(everyMs > 0)) throw bad(`the invariant "${id}" is asked every ${everyMs} ms`)
  }
}

function bad(message: string): TestingError {
  return new TestingError('ERR_BAD_SIMULATION', `This simulation can't be: ${message}`)
}
