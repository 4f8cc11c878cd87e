import type { NodeId } from '../actor/pid.ts'
import type { ManyTarget } from '../actor/remote-many.ts'
import { RegionError } from '../region/errors.ts'
import { checkRegionName } from '../region/region-name.ts'
import type { RegionTableNode, RegionTableView } from '../region/region-table.ts'

/** One place in the list of those who are asked: a node; or a region or node id that nobody is known for. */
export type Place = { readonly node: RegionTableNode } | { readonly region: string } | { readonly unknownNode: NodeId }

/**
 * Who is meant, in order: by region as listed (`'all'`: sorted), then by node id; nodes as listed. Each node once, at its
 * first place. Nodes that are not up are left out of regions, and stay in lists of nodes. Throws `ERR_BAD_REGION`.
 */
export function placesOf(target: ManyTarget, table: RegionTableView): Place[] {
  if (!isList(target?.nodes) && !isList(target?.regions) && target?.regions !== 'all') {
    throw new RegionError(
      'ERR_BAD_REGION',
      'Several nodes are `{ nodes: [...] }`, `{ regions: [...] }` or `{ regions: "all" }`',
    )
  }
  if (target.nodes !== undefined) {
    return [...new Set(target.nodes)].map((id) => {
      const node = table.node(id)
      return node === undefined ? { unknownNode: id } : { node }
    })
  }
  return regionsOf(target.regions, table).flatMap((region) => placesIn(region, table))
}

function regionsOf(regions: 'all' | readonly string[], table: RegionTableView): readonly string[] {
  if (regions === 'all') return table.regions()
  const named = regions.map((region) => {
    if (region === 'primary') return table.data.primaryRegion
    checkRegionName(region)
    return region
  })
  return [...new Set(named)]
}

function placesIn(region: string, table: RegionTableView): Place[] {
  const ids = table.regionNodes(region)
  if (ids.length === 0) return [{ region }]
  return ids.toSorted().flatMap((id) => {
    const node = table.node(id)
    return node === undefined ? [] : [{ node }]
  })
}

function isList(given: unknown): boolean {
  return Array.isArray(given)
}
