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
  /**
   * The nodes of a region that are up and serve the procedure at this version or a compatible one, without those that are stuck
   * unless all are. The same list each time.
   */
  servers(region: string, name: string, version: number): readonly RegionTableNode[]
  /**
   * Those of our own region or, if it has none that is not excluded, of the region with the shortest round trip that has. A
   * region whose servers are all stuck counts only where every other one has none.
   * The same list each time, if nothing is excluded.
   */
  nearestServers(name: string, version: number, exclude: ReadonlySet<NodeId>): readonly RegionTableNode[]
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
  const serverLists = new ServerLists()
  const nearestLists = new ServerLists()

  function servers(region: string, name: string, rpcVersion: number): readonly RegionTableNode[] {
    const kept = serverLists.get(region, name, rpcVersion)
    if (kept !== undefined) return kept
    const found: RegionTableNode[] = []
    for (const id of upNodes.get(region) ?? noNodes) {
      const node = nodes.get(id)
      if (node !== undefined && servesProcedure(node, name, rpcVersion)) found.push(node)
    }
    const steady = found.filter((node) => !node.isStuck)
    return serverLists.keep(region, name, rpcVersion, steady.length > 0 ? steady : found)
  }

  function nearestServers(name: string, rpcVersion: number, exclude: ReadonlySet<NodeId>): readonly RegionTableNode[] {
    if (exclude.size > 0) return findNearest(name, rpcVersion, exclude)
    return (
      nearestLists.get('', name, rpcVersion) ??
      nearestLists.keep('', name, rpcVersion, findNearest(name, rpcVersion, exclude))
    )
  }

  function findNearest(name: string, rpcVersion: number, exclude: ReadonlySet<NodeId>): readonly RegionTableNode[] {
    const own = servers(data.myRegion, name, rpcVersion)
    if (own.some(({ node, isStuck }) => !isStuck && !exclude.has(node))) return own
    let nearest: RegionTableNode | undefined
    for (const node of data.nodes) {
      if (node.state !== 'up' || exclude.has(node.node) || !servesProcedure(node, name, rpcVersion)) continue
      if (nearest === undefined || compareDistance(node, nearest, data.myRegion) < 0) nearest = node
    }
    // A region, not a node: choosing between two of its nodes still spreads the load.
    return nearest === undefined ? noServers : servers(nearest.region, name, rpcVersion)
  }

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
    servers,
    nearestServers,
  }
}

const noNodes: readonly NodeId[] = Object.freeze([])
const noServers: readonly RegionTableNode[] = Object.freeze([])

/**
 * Lists by region, procedure and version. Empty ones are not kept: so there are never more than what nodes serve, whatever
 * callers ask for.
 */
class ServerLists {
  readonly #lists = new Map<string, Map<number, Map<string, readonly RegionTableNode[]>>>()
  // Whoever calls often calls one procedure often: two of three lookups are saved.
  #lastName = ''
  #lastVersion = 0
  #last: Map<string, readonly RegionTableNode[]> | undefined

  get(region: string, name: string, version: number): readonly RegionTableNode[] | undefined {
    if (name !== this.#lastName || version !== this.#lastVersion) {
      this.#last = this.#lists.get(name)?.get(version)
      this.#lastName = name
      this.#lastVersion = version
    }
    return this.#last?.get(region)
  }

  keep(region: string, name: string, version: number, list: readonly RegionTableNode[]): readonly RegionTableNode[] {
    if (list.length === 0) return noServers
    let versions = this.#lists.get(name)
    if (versions === undefined) this.#lists.set(name, (versions = new Map()))
    let regions = versions.get(version)
    if (regions === undefined) versions.set(version, (regions = new Map()))
    regions.set(region, list)
    this.#lastName = ''
    return list
  }
}

/** Whether the node, in whatever state, has the procedure at this version or a compatible one. */
export function servesProcedure(node: RegionTableNode, name: string, version: number): boolean {
  for (const procedure of node.procedures) {
    if (procedure.name !== name) continue
    if (procedure.version === version || procedure.compatible.includes(version)) return true
  }
  return false
}

function compareDistance(one: RegionTableNode, other: RegionTableNode, myRegion: string): number {
  if (one.isStuck !== other.isStuck) return one.isStuck ? 1 : -1
  // Only a stuck node of our own region comes here.
  if (one.region !== other.region && (one.region === myRegion || other.region === myRegion)) {
    return one.region === myRegion ? -1 : 1
  }
  const [near, far] = [one.rttMs ?? Infinity, other.rttMs ?? Infinity]
  return near === far ? compareText(one.region, other.region) : near - far
}
