import type { NodeId } from '../mesh/transport.ts'
import { compareText } from './region-table-format.ts'
import type { RegionTableData, RegionTableNode } from './region-table-layout.ts'

/** One version of the region table, decoded and indexed. It never changes; read a new one for news. */
export interface RegionTableView {
  /** 0 for the empty table that there is before the first write. */
  readonly version: number
  readonly data: RegionTableData
  /** The nodes of a region that are up, frozen; empty when the region is unknown. */
  regionNodes(region: string): readonly NodeId[]
  /** The region of a node in any state. */
  regionOf(node: NodeId): string | undefined
  /** The regions with at least one node that is up, sorted. */
  regions(): readonly string[]
  node(id: NodeId): RegionTableNode | undefined
  /** Whether the node is up and serves the procedure at this version or a compatible one. */
  isRpcSupported(node: NodeId, name: string, version: number): boolean
}

/** Indexes `data`; the maps are built once per version, so that a lookup costs little more than a `Map.get`. */
export function regionTableView(version: number, data: RegionTableData): RegionTableView {
  const nodes = new Map<NodeId, RegionTableNode>()
  const upNodes = new Map<string, NodeId[]>()
  for (const node of data.nodes) {
    nodes.set(node.node, node)
    if (node.state !== 'up') continue
    const peers = upNodes.get(node.region)
    if (peers === undefined) upNodes.set(node.region, [node.node])
    else peers.push(node.node)
  }
  for (const peers of upNodes.values()) Object.freeze(peers)
  const regions = Object.freeze([...upNodes.keys()].sort(compareText))

  return {
    version,
    data,
    regionNodes: (region) => upNodes.get(region) ?? noNodes,
    regionOf: (node) => nodes.get(node)?.region,
    regions: () => regions,
    node: (id) => nodes.get(id),
    isRpcSupported: (id, name, rpcVersion) => {
      const node = nodes.get(id)
      return node !== undefined && node.state === 'up' && servesProcedure(node, name, rpcVersion)
    },
  }
}

const noNodes: readonly NodeId[] = Object.freeze([])

/** Whether the node, in whatever state, has the procedure at this version or a compatible one. */
export function servesProcedure(node: RegionTableNode, name: string, version: number): boolean {
  return node.procedures.some(
    (procedure) => procedure.name === name && (procedure.version === version || procedure.compatible.includes(version)),
  )
}
