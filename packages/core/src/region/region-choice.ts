import type { ProcedureName, RegionTarget } from '../actor/region-target.ts'
import type { NodeId } from '../mesh/transport.ts'
import type { Random } from '../platform/random.ts'
import { RegionError } from './errors.ts'
import { checkRegionName } from './region-name.ts'
import { refuseAllRegions, refuseEmptyList, refuseList, refuseRegion, type Refusal } from './choice-refusal.ts'
import type { RegionTableNode } from './region-table-layout.ts'
import type { RegionTableView } from './region-table-view.ts'

/** Throws `ERR_BAD_REGION`, saying what is wrong, unless `target` is made as described at `RegionTarget`. */
export function checkRegionTarget(target: unknown): asserts target is RegionTarget {
  if (typeof target === 'string') {
    checkTargetName(target)
    return
  }
  if (Array.isArray(target) && target.length === 0) {
    throw new RegionError('ERR_BAD_REGION', 'A list of regions must not be empty')
  }
  for (const name of Array.isArray(target) ? (target as unknown[]) : [target]) checkTargetName(name)
}

function checkTargetName(name: unknown): void {
  if (name !== 'primary' && name !== 'nearest') checkRegionName(name)
}

/** How many nodes of one member of a list are tried before the next member is. The last member has no such limit. */
const triesBeforeNext = 2

/**
 * Picks the node that should run a procedure: of the target's nodes that are up, serve it and are not excluded, two are
 * drawn and the one with the shorter expected wait is taken. (Always taking the best would send every caller to the same
 * node until the next news of its load. The idea is Mitzenmacher's, "The Power of Two Choices", 1996.) Our own node is a
 * candidate like others. A node whose main thread is stuck is one only where no other can serve.
 *
 * A refusal is `ERR_NO_PROCEDURE` if nodes are up there, but none serves it, so that trying again soon is pointless.
 * Otherwise it is `ERR_NO_NODE_IN_REGION`: nobody is up, or all were excluded. For a list it is `ERR_NO_PROCEDURE` only
 * if it is so for every member.
 *
 * It runs for every call, so without `exclude` nothing is allocated unless it refuses.
 *
 * @param target Checked before, by `checkRegionTarget`.
 * @param exclude Nodes that were tried already, or must not be asked for another reason.
 * @param drawn Gets the nodes that were compared, for whoever explains the choice.
 */
export function chooseNode(
  table: RegionTableView,
  target: RegionTarget,
  procedure: ProcedureName,
  exclude: ReadonlySet<NodeId>,
  random: Random,
  drawn?: RegionTableNode[],
): RegionTableNode | Refusal {
  if (typeof target === 'string') {
    const servers = serversOf(table, target, procedure, exclude)
    return chooseAmong(table, servers, exclude, random, drawn) ?? refuse(table, target, procedure)
  }
  let stuck: readonly RegionTableNode[] | undefined
  for (let index = 0; index < target.length; index += 1) {
    const servers = serversOf(table, target[index] as string, procedure, exclude)
    if (index < target.length - 1 && countTried(servers, exclude) >= triesBeforeNext) continue
    // All of them, then: a later member may have better ones.
    if (servers[0]?.isStuck === true) {
      stuck ??= servers
      continue
    }
    const chosen = chooseAmong(table, servers, exclude, random, drawn)
    if (chosen !== undefined) return chosen
  }
  const last = stuck === undefined ? undefined : chooseAmong(table, stuck, exclude, random, drawn)
  if (last !== undefined) return last
  if (target.length === 0) return refuseEmptyList()
  return refuseList(target.map((one) => refuse(table, one, procedure)))
}

export function isRefusal(choice: RegionTableNode | Refusal): choice is Refusal {
  return 'message' in choice
}

/** The nodes that a member of a target leads to, if they are up and serve the procedure; excluded ones included. */
export function serversOf(
  table: RegionTableView,
  target: string,
  { name, version }: ProcedureName,
  exclude: ReadonlySet<NodeId>,
): readonly RegionTableNode[] {
  if (target === 'nearest') return table.nearestServers(name, version, exclude)
  return table.servers(target === 'primary' ? table.data.primaryRegion : target, name, version)
}

function refuse(table: RegionTableView, target: string, procedure: ProcedureName): Refusal {
  if (target === 'nearest') return refuseAllRegions(table, procedure)
  return refuseRegion(table, target === 'primary' ? table.data.primaryRegion : target, procedure)
}

function countTried(servers: readonly RegionTableNode[], exclude: ReadonlySet<NodeId>): number {
  if (exclude.size === 0) return 0
  let tried = 0
  for (const { node } of servers) if (exclude.has(node)) tried += 1
  return tried
}

/** The same among the nodes that one member of a target leads to; `undefined` if none is left. */
export function chooseAmong(
  table: RegionTableView,
  servers: readonly RegionTableNode[],
  exclude: ReadonlySet<NodeId>,
  random: Random,
  drawn?: RegionTableNode[],
): RegionTableNode | undefined {
  const left = exclude.size === 0 ? servers : servers.filter(({ node }) => !exclude.has(node))
  if (left.length <= 1) {
    const only = left[0]
    if (only !== undefined) drawn?.push(only)
    return only
  }
  const firstIndex = random.int(left.length)
  const secondDraw = random.int(left.length - 1)
  const first = left[firstIndex] as RegionTableNode
  const second = left[secondDraw < firstIndex ? secondDraw : secondDraw + 1] as RegionTableNode
  drawn?.push(first, second)
  const { self } = table.data
  return expectedWait(second, first, self) < expectedWait(first, second, self) ? second : first
}

// What one call in flight adds, in the milliseconds of an idle node. Most of them wait for something else, and the load
// tells of those that compute. So ten calls more weigh as much as one millisecond of round trip.
const waitPerCallMs = 0.1

/**
 * How long a call would wait at a node, of two that are compared, in milliseconds of an idle node. As for a queue, the time
 * in the node grows without bound as its load nears 1, and with those that are there already.
 */
export function expectedWait(node: RegionTableNode, other: RegionTableNode, self: NodeId): number {
  const idle = 1 - Math.min(Math.max(node.load, 0), 0.99)
  // Without a measurement there is no link yet: the node is probably as far away as the other one of its region, and
  // connecting takes about three more round trips.
  const rttMs = roundTrip(node, self) ?? 4 * (roundTrip(other, self) ?? 1)
  return rttMs + (1 + waitPerCallMs * node.inFlight) / idle
}

function roundTrip(node: RegionTableNode, self: NodeId): number | undefined {
  return node.node === self ? 0 : node.rttMs
}
