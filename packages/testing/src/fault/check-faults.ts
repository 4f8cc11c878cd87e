import type { NetworkNode } from '../network/places.ts'
import { TestingError } from '../platform/errors.ts'
import type { Fault, Place } from './fault.ts'
import { describeFault } from './fault-text.ts'

/** Throws `ERR_BAD_FAULT`, with the fault, for times before the start and for places that are not there. */
export function checkFaults(faults: readonly Fault[], nodes: readonly NetworkNode[]): void {
  const known = new Set(['rest', ...nodes.flatMap(({ name, region }) => [name, region])])
  for (const fault of faults) {
    const problem = timeProblem(fault) ?? placeProblem(placesOf(fault), known)
    if (problem !== undefined) throw new TestingError('ERR_BAD_FAULT', `${problem}: ${describeFault(fault)}`)
  }
}

/** The places that a fault names. */
export function placesOf(fault: Fault): readonly Place[] {
  if ('node' in fault) return [fault.node]
  if ('region' in fault) return [fault.region]
  return [...fault.from, ...fault.to]
}

function timeProblem(fault: Fault): string | undefined {
  if (!(fault.atMs >= 0)) return 'A fault begins at 0 ms or later'
  if ('forMs' in fault && !(fault.forMs >= 0)) return 'A fault lasts for 0 ms or more'
}

function placeProblem(places: readonly Place[], known: ReadonlySet<Place>): string | undefined {
  const unknown = places.find((place) => !known.has(place))
  return unknown === undefined ? undefined : `There is no node and no region "${unknown}"`
}
