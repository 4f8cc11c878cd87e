import { TestingError } from '../platform/errors.ts'
import { defineSimulation, isSimulation, type SimulationDefinition, simulationName } from './define-simulation.ts'

/** The simulations that a module exports, by name. Throws `ERR_BAD_SIMULATION`. */
export async function loadSimulations(url: string): Promise<ReadonlyMap<string, SimulationDefinition>> {
  const exported = await importModule(url)
  const simulations = new Map<string, SimulationDefinition>()
  for (const value of new Set(Object.values(exported))) {
    if (!isSimulation(value)) continue
    const name = simulationName(defineSimulation(value))
    if (simulations.has(name)) throw bad(`${url} exports two simulations called "${name}": give each a name`)
    simulations.set(name, value)
  }
  if (simulations.size === 0) throw bad(`${url} exports no simulation (see defineSimulation)`)
  return simulations
}

async function importModule(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw bad(`This version of Node can't load ${url}: build it, or name a loader (NODE_OPTIONS="--import tsx")`)
    }
    throw bad(`Can't load ${url}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
}

function bad(message: string): TestingError {
  return new TestingError('ERR_BAD_SIMULATION', message)
}
