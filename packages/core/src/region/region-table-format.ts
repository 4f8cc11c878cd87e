import type { NodeId } from '../mesh/transport.ts'
import { RegionError } from './errors.ts'
import type { RegionTableData, RegionTableNode, RegionTableProcedure } from './region-table-layout.ts'

/**
 * The table as bytes, at most `bytesMax`. Nodes that don't fit are left out and counted: first this node goes in, then
 * one node of each region (the primary first, one that is up if there is one), then the rest by region and id. Where not all fit, nodes that would
 * take more than a sixty-fourth of the table, a list of procedures shared by those who have it, come behind all others: few could fill it.
 * A number that is not finite becomes 1 as a load, 0 as calls in flight, and unmeasured as a round trip.
 *
 * JSON, since `JSON.parse` is the fastest decoder there is. Nodes of a cluster mostly serve the same procedures, so each
 * different list of them is written once and referred to by its number: 256 KiB hold about 2,500 nodes.
 *
 * Throws `ERR_TABLE_TOO_SMALL` when not even a table without nodes fits.
 */
export function encodeTable(data: RegionTableData, bytesMax: number): { bytes: Uint8Array; omitted: number } {
  const head = [data.self, data.myRegion, data.primaryRegion, data.primaryEpoch].map((part) => JSON.stringify(part))
  const known = data.nodes.length + data.omitted
  const bytesLeft = bytesMax - Buffer.byteLength(tableText(head, known, [], []))
  if (bytesLeft < 0) {
    throw new RegionError('ERR_TABLE_TOO_SMALL', `A region table needs ${-bytesLeft} bytes more than its ${bytesMax}`)
  }
  const order = orderOfImportance(data)
  const all = fitted(order, bytesLeft)
  const { lists, nodes } =
    all.nodes.length === order.length ? all : fitted(dearLast(order, data.self, bytesMax), bytesLeft)
  const omitted = known - nodes.length
  return { bytes: new TextEncoder().encode(tableText(head, omitted, [...lists.keys()], nodes)), omitted }
}

function fitted(
  order: readonly RegionTableNode[],
  bytesMax: number,
): { readonly lists: ReadonlyMap<string, number>; readonly nodes: readonly string[] } {
  let bytesLeft = bytesMax
  const lists = new Map<string, number>()
  const nodes: string[] = []
  for (const node of order) {
    const list = listText(node.procedures)
    const listIndex = lists.get(list)
    const text = nodeText(node, listIndex ?? lists.size)
    const bytes = Buffer.byteLength(text) + 1 + (listIndex === undefined ? Buffer.byteLength(list) + 1 : 0)
    if (bytes > bytesLeft) continue
    bytesLeft -= bytes
    nodes.push(text)
    if (listIndex === undefined) lists.set(list, lists.size)
  }
  return { lists, nodes }
}

/** The part of a table that a node may take and keep its place in the order. */
const dearPart = 1 / 64

/** This node keeps its place whatever it takes. */
function dearLast(order: readonly RegionTableNode[], self: NodeId, bytesMax: number): RegionTableNode[] {
  const sharers = new Map<string, number>()
  for (const { procedures } of order) {
    const list = listText(procedures)
    sharers.set(list, (sharers.get(list) ?? 0) + 1)
  }
  const isDear = (node: RegionTableNode): boolean => {
    if (node.node === self) return false
    const list = listText(node.procedures)
    const listBytes = Buffer.byteLength(list) / (sharers.get(list) as number)
    return Buffer.byteLength(nodeText(node, 0)) + listBytes > bytesMax * dearPart
  }
  const dear = new Set(order.filter(isDear))
  return [...order.filter((node) => !dear.has(node)), ...dear]
}

function tableText(
  head: readonly string[],
  omitted: number,
  lists: readonly string[],
  nodes: readonly string[],
): string {
  return `[${head.join(',')},${omitted},[${lists.join(',')}],[${nodes.join(',')}]]`
}

// A node's list stays the same array while its record does, and one write repeats most lists of the write before: kept
// texts make it some ten times faster. Whoever passes a list must not change it afterwards.
const listTexts = new WeakMap<readonly RegionTableProcedure[], string>()

function listText(procedures: readonly RegionTableProcedure[]): string {
  const kept = listTexts.get(procedures)
  if (kept !== undefined) return kept
  const text = JSON.stringify(
    procedures.map(({ name, version, schema = '', compatible }) => [name, version, schema, ...compatible]),
  )
  listTexts.set(procedures, text)
  return text
}

function nodeText(node: RegionTableNode, list: number): string {
  const load = Number.isFinite(node.load) ? node.load : 1
  const inFlight = Number.isFinite(node.inFlight) ? node.inFlight : 0
  const rttMs = node.rttMs !== undefined && Number.isFinite(node.rttMs) ? node.rttMs : null
  const { life, region, state, appVersion, isStuck } = node
  return JSON.stringify([node.node, life, region, state, list, load, rttMs, inFlight, appVersion, isStuck ? 1 : 0])
}

function orderOfImportance(data: RegionTableData): readonly RegionTableNode[] {
  const sorted = data.nodes.toSorted(
    (one, other) =>
      Number(other.region === data.primaryRegion) - Number(one.region === data.primaryRegion) ||
      compareText(one.region, other.region) ||
      Number(other.state === 'up') - Number(one.state === 'up') ||
      compareText(one.node, other.node),
  )
  const own = sorted.filter(({ node }) => node === data.self)
  const seen = new Set<string>()
  // Our own node stands for our region only while it takes work.
  for (const { region, state } of own) if (state === 'up') seen.add(region)
  const firsts: RegionTableNode[] = []
  const rest: RegionTableNode[] = []
  for (const node of sorted) {
    if (node.node === data.self) continue
    if (seen.has(node.region)) rest.push(node)
    else firsts.push(node)
    seen.add(node.region)
  }
  return [...own, ...firsts, ...rest]
}

/** By code units, the same on every machine, unlike `localeCompare`. */
export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** The reverse of `encodeTable`. Throws for anything that it did not write. */
export function decodeTable(bytes: Uint8Array): RegionTableData {
  const [self, myRegion, primaryRegion, primaryEpoch, omitted, lists, nodes] = JSON.parse(
    new TextDecoder().decode(bytes),
  ) as TableTuple
  const procedures = lists.map((list) => list.map(procedureOf))
  return {
    self,
    myRegion,
    primaryRegion,
    primaryEpoch,
    omitted,
    nodes: nodes.map(([node, life, region, state, list, load, rttMs, inFlight, appVersion, stuck]) => ({
      node,
      life,
      region,
      state,
      procedures: procedures[list] as RegionTableProcedure[],
      load,
      inFlight,
      appVersion,
      rttMs: rttMs ?? undefined,
      isStuck: stuck === 1,
    })),
  }
}

type TableTuple = [
  self: NodeId,
  myRegion: string,
  primaryRegion: string,
  primaryEpoch: number,
  omitted: number,
  lists: ProcedureTuple[][],
  nodes: NodeTuple[],
]

type NodeTuple = [
  NodeId,
  life: number,
  region: string,
  state: RegionTableNode['state'],
  list: number,
  load: number,
  rttMs: number | null,
  inFlight: number,
  appVersion: string,
  stuck: number,
]

type ProcedureTuple = [name: string, version: number, schema: string, ...compatible: number[]]

function procedureOf([name, version, schema, ...compatible]: ProcedureTuple): RegionTableProcedure {
  return { name, version, compatible, schema: schema === '' ? undefined : schema }
}
