import { planFaults } from '../fault/fault-plan.ts'
import { checkFaults } from '../fault/check-faults.ts'
import { TestingError } from '../platform/errors.ts'
import { seededRandom } from '../platform/seeded-random.ts'
import type { SimulationOptions } from './definition.ts'
import type { SimCase, SimNodeSpec } from './sim-case.ts'

/** The case that a seed stands for: everything that will go wrong, made up front. Throws `ERR_BAD_SIMULATION`, `ERR_BAD_FAULT`. */
export function resolveCase(options: SimulationOptions, seed: number): SimCase {
  const { durationMs: safetyMs = 60_000, healMs = 30_000 } = options
  const nodes = nodesOf(options)
  const primary = options.primary ?? (nodes[0] as SimNodeSpec).region
  const { faults: wanted = {} } = options
  const faults = planFaults({ families: wanted, nodes, primary, safetyMs, random: seededRandom(seed).fork('faults') })
  checkFaults(faults, nodes)
  return { seed, nodes, durationMs: safetyMs + healMs, safetyMs, faults }
}

function nodesOf({ regions, primary }: SimulationOptions): SimNodeSpec[] {
  const nodes = Object.entries(regions).flatMap(([region, count]) =>
    Array.from({ length: count }, (_, index) => ({ name: `${region}-${index + 1}`, region })),
  )
  if (nodes.length === 0) throw new TestingError('ERR_BAD_SIMULATION', 'A simulation needs a region with a node')
  if (primary !== undefined && !nodes.some((node) => node.region === primary)) {
    throw new TestingError('ERR_BAD_SIMULATION', `The primary region "${primary}" has no node`)
  }
  return nodes
}
