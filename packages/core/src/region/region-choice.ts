import type { NodeId } from '../mesh/transport.ts'
import type { Random } from '../platform/random.ts'
import { RegionError } from './errors.ts'
import { checkRegionName } from './region-name.ts'
import { compareText } from './region-table-format.ts'
import type { RegionTableNode } from './region-table-layout.ts'
import { type RegionTableView, servesProcedure } from './region-table-view.ts'

/**
 * Where a call should run: in a region by name; in the `'primary'` region; `'nearest'`, which is our own region and,
 * failing that, the one with the shortest round trip; or a list of these, of which the first that can serve is taken.
 */
export type RegionTarget = string | readonly string[]

/** Throws `ERR_BAD_REGION`, saying what is wrong, unless `target` is made as described at `RegionTarget`. */
export function checkRegionTarget(target: unknown): asserts target is RegionTarget {
  if (Array.isArray(target) && target.length === 0) {
    throw new RegionError('ERR_BAD_REGION', 'A list of regions must not be empty')
  }
  for (const name of Array.isArray(target) ? (target as unknown[]) : [target]) {
    if (name !== 'primary' && name !== 'nearest') checkRegionName(name)
  }
}

export interface ChoiceInput {
  readonly table: RegionTableView
  /** Checked before, by `checkRegionTarget`. */
  readonly target: RegionTarget
  readonly procedure: { readonly name: string; readonly version: number }
  /** Nodes that were tried already, or must not be asked for another reason. */
  readonly exclude: ReadonlySet<NodeId>
  readonly random: Random
}

export type Choice =
  | { readonly ok: true; readonly node: RegionTableNode }
  | { readonly ok: false; readonly code: 'ERR_NO_NODE_IN_REGION' | 'ERR_NO_PROCEDURE'; readonly message: string }

/**
 * Picks the node that should run a procedure: of the target's nodes that are up, serve it and are not excluded, two are
 * drawn and the one with the shorter expected wait is taken. (Always taking the best would send every caller to the same
 * node until the next news of its load.) Our own node is a candidate like others.
 *
 * `ERR_NO_PROCEDURE`: nodes are up there, but none serves it, so that trying again soon is pointless. Otherwise
 * `ERR_NO_NODE_IN_REGION`: nobody is up, or all were excluded. For a list it is `ERR_NO_PROCEDURE` only if it is so
 * for every member.
 */
export function chooseNode(input: ChoiceInput): Choice {
  const targets = typeof input.target === 'string' ? [input.target] : input.target
  const refusals: Refusal[] = []
  for (const target of targets) {
    const choice = target === 'nearest' ? chooseNearest(input) : chooseInRegion(input, regionNamed(input.table, target))
    if (choice.ok) return choice
    refusals.push(choice)
  }
  if (refusals.length === 0) return { ok: false, code: 'ERR_NO_NODE_IN_REGION', message: 'No region was named' }
  const isHopeless = refusals.every(({ code }) => code === 'ERR_NO_PROCEDURE')
  const message = refusals.map((one) => one.message).join('; ')
  return { ok: false, code: isHopeless ? 'ERR_NO_PROCEDURE' : 'ERR_NO_NODE_IN_REGION', message }
}

type Refusal = Extract<Choice, { ok: false }>

function regionNamed(table: RegionTableView, target: string): string {
  return target === 'primary' ? table.data.primaryRegion : target
}

function chooseInRegion(input: ChoiceInput, region: string): Choice {
  const { table, random } = input
  const candidates = candidatesIn(input, region)
  if (candidates.length > 0) return { ok: true, node: betterOfTwo(candidates, table.data.self, random) }
  return refuseRegion(input, region)
}

// The region table's lists are used, not a filter over all nodes: this runs for every call.
function candidatesIn(input: ChoiceInput, region: string): readonly RegionTableNode[] {
  const candidates: RegionTableNode[] = []
  for (const id of input.table.regionNodes(region)) {
    const node = input.table.node(id)
    if (node !== undefined && serves(input, node) && !input.exclude.has(id)) candidates.push(node)
  }
  return candidates
}

function serves({ procedure }: ChoiceInput, node: RegionTableNode): boolean {
  return servesProcedure(node, procedure.name, procedure.version)
}

function refuseRegion(input: ChoiceInput, region: string): Refusal {
  const { table, procedure } = input
  const present = table.data.nodes.filter((node) => node.region === region)
  const up = present.filter(isUp)
  const servers = up.filter((node) => serves(input, node))
  if (servers.length > 0) {
    return refusal(table, `Every node in region "${region}" that serves ${formatProcedure(procedure)} was excluded`)
  }
  if (up.length > 0) return noProcedure(input, `Of ${up.length} nodes in region "${region}"`, up)
  if (present.length > 0)
    return refusal(table, `No node in region "${region}" is up: all ${present.length} are stopping`)
  const regions = table.regions()
  const known = regions.length === 0 ? 'no region is known yet' : `known regions: ${regions.join(', ')}`
  return refusal(table, `No node is in region "${region}" (${known})`)
}

function chooseNearest(input: ChoiceInput): Choice {
  const { data } = input.table
  const own = chooseInRegion(input, data.myRegion)
  if (own.ok) return own
  const nearest = data.nodes
    .filter((node) => isUp(node) && serves(input, node) && !input.exclude.has(node.node))
    .toSorted((one, other) => compareRtt(one.rttMs, other.rttMs) || compareText(one.region, other.region))[0]
  // A region, not a node: choosing between two of its nodes still spreads the load.
  return nearest === undefined ? refuseAllRegions(input) : chooseInRegion(input, nearest.region)
}

function refuseAllRegions(input: ChoiceInput): Refusal {
  const up = input.table.data.nodes.filter(isUp)
  if (up.length === 0) return refusal(input.table, 'No node is up in any region')
  if (up.some((node) => serves(input, node))) {
    return refusal(input.table, `Every node that serves ${formatProcedure(input.procedure)} was excluded`)
  }
  return noProcedure(input, `Of ${up.length} nodes in all regions`, up)
}

function isUp({ state }: RegionTableNode): boolean {
  return state === 'up'
}

function compareRtt(one: number | undefined, other: number | undefined): number {
  if (one === other) return 0
  return (one ?? Infinity) - (other ?? Infinity)
}

function betterOfTwo(candidates: readonly RegionTableNode[], self: NodeId, random: Random): RegionTableNode {
  const firstIndex = random.int(candidates.length)
  const first = candidates[firstIndex] as RegionTableNode
  if (candidates.length === 1) return first
  const drawn = random.int(candidates.length - 1)
  const second = candidates[drawn < firstIndex ? drawn : drawn + 1] as RegionTableNode
  const firstRtt = roundTrip(first, self)
  const secondRtt = roundTrip(second, self)
  const firstWait = expectedWait(firstRtt ?? farAs(secondRtt), first.load)
  const secondWait = expectedWait(secondRtt ?? farAs(firstRtt), second.load)
  return secondWait < firstWait ? second : first
}

function roundTrip(node: RegionTableNode, self: NodeId): number | undefined {
  return node.node === self ? 0 : node.rttMs
}

// Without a measurement there is no link yet: the node is probably as far away as the other one of its region, and
// connecting takes about three more round trips.
function farAs(otherRtt: number | undefined): number {
  return 4 * (otherRtt ?? 1)
}

// As for a queue: the time in the node grows without bound as its load nears 1. The unit is one idle node's millisecond.
function expectedWait(rttMs: number, load: number): number {
  const idle = 1 - Math.min(Math.max(load, 0), 0.99)
  return rttMs + 1 / idle
}

function refusal(table: RegionTableView, message: string): Refusal {
  return { ok: false, code: 'ERR_NO_NODE_IN_REGION', message: message + formatOmitted(table) }
}

function noProcedure(input: ChoiceInput, where: string, up: readonly RegionTableNode[]): Refusal {
  const { name } = input.procedure
  const there = versionsAmong(up, name)
  const elsewhere = versionsAmong(
    input.table.data.nodes.filter((node) => !up.includes(node)),
    name,
  )
  const found =
    there !== ''
      ? `they have version ${there}`
      : elsewhere !== ''
        ? `other nodes have version ${elsewhere}`
        : 'no known node has any version of it'
  const message = `${where}, none serves ${formatProcedure(input.procedure)}: ${found}`
  return { ok: false, code: 'ERR_NO_PROCEDURE', message: message + formatOmitted(input.table) }
}

function versionsAmong(nodes: readonly RegionTableNode[], name: string): string {
  const versions = nodes.flatMap(({ procedures }) =>
    procedures.filter((procedure) => procedure.name === name).map(({ version }) => version),
  )
  return [...new Set(versions)].sort((one, other) => one - other).join(', ')
}

function formatProcedure({ name, version }: ChoiceInput['procedure']): string {
  return `procedure "${name}" at version ${version}`
}

function formatOmitted({ data: { omitted } }: RegionTableView): string {
  return omitted === 0 ? '' : ` (${omitted} more nodes are known but do not fit into the region table)`
}
