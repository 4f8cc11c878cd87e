import type { Fault } from '../fault/fault.ts'
import { placesOf } from '../fault/check-faults.ts'
import type { SimCase } from '../simulation/sim-case.ts'

/** The case with these of its faults. */
export function withFewerFaults(simCase: SimCase, faults: readonly Fault[]): SimCase {
  return { ...simCase, faults }
}

/** The case without one of its nodes, and without what only that node, or a region that it was the last of, suffered. */
export function withoutNode(simCase: SimCase, name: string): SimCase {
  const nodes = simCase.nodes.filter((node) => node.name !== name)
  const there = new Set(['rest', ...nodes.flatMap((node) => [node.name, node.region])])
  const faults = simCase.faults.flatMap((fault) => faultAmong(fault, there))
  return { ...simCase, nodes, faults }
}

function faultAmong(fault: Fault, there: ReadonlySet<string>): Fault[] {
  if (placesOf(fault).every((place) => there.has(place))) return [fault]
  if (!('from' in fault)) return []
  const from = fault.from.filter((place) => there.has(place))
  const to = fault.to.filter((place) => there.has(place))
  return from.length === 0 || to.length === 0 ? [] : [{ ...fault, from, to }]
}
