import type { MonitorTable } from './monitors.ts'
import type { NodeId } from './transport.ts'

/** `full`: every node keeps a link to every other. `sparse`: to its neighbours, and to others while they are needed. */
export type MeshShape = 'full' | 'sparse'

/** Up to so many nodes a link to every other one is cheap, and a call never waits for a dial. */
const fullMeshMax = 50
/** Below so many a sparse mesh becomes a full one again: a cluster at the border must not change to and fro. */
const sparseMeshMin = 40

export function meshShape(before: MeshShape, size: number): MeshShape {
  if (before === 'full') return size > fullMeshMax ? 'sparse' : 'full'
  return size < sparseMeshMin ? 'full' : 'sparse'
}

/** The most neighbours of a node. Its monitors come first; of those that it watches the ones beyond it go without its link. */
export const neighboursMax = 20

/**
 * Whom a node is linked to in any case: its monitors, and those that it monitors. The same links carry gossip: choices by
 * hash make a random graph, over which news reaches a thousand nodes in four hops.
 */
export function neighboursOf(table: MonitorTable, self: NodeId): ReadonlySet<NodeId> {
  const neighbours = new Set(table.of(self))
  for (const subject of table.subjectsOf(self)) {
    if (neighbours.size >= neighboursMax) break
    neighbours.add(subject)
  }
  return neighbours
}
