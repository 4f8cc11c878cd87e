import type { ProcedureName, RegionTarget } from '../actor/region-target.ts'
import type { ChoiceExplanation, ExplainedNode, NodeVerdict } from '../actor/rpc-report.ts'
import type { NodeId } from '../mesh/transport.ts'
import { expectedWait, serversOf } from './region-choice.ts'
import type { RegionTableNode } from './region-table-layout.ts'
import { type RegionTableView, servesProcedure } from './region-table-view.ts'

/** What a choice was made from, and what came of it. */
export interface ChoiceMade {
  readonly table: RegionTableView
  readonly target: RegionTarget
  readonly procedure: ProcedureName
  readonly exclude: ReadonlySet<NodeId>
  /** The nodes that were compared, as `chooseNode` tells them. */
  readonly drawn: readonly RegionTableNode[]
  readonly taken: RegionTableNode | undefined
  readonly refusal: string | undefined
}

/** Says of every node of the table why it was taken or not. It draws nothing, and costs as much as the table is long. */
export function explainChoice(choice: ChoiceMade): ChoiceExplanation {
  const { table, target, procedure, taken, refusal } = choice
  const asked = askedServers(choice)
  const nodes = table.data.nodes.map((node) => explainNode(choice, asked, node))
  return {
    target,
    procedure: { name: procedure.name, version: procedure.version },
    tableVersion: table.version,
    taken: taken?.node,
    refusal,
    nodes: nodes.toSorted((one, other) => Number(other.verdict === 'taken') - Number(one.verdict === 'taken')),
  }
}

/** The servers of each member of the target, with those that are near enough of `nearest`. */
function askedServers({ table, target, procedure, exclude }: ChoiceMade): readonly ReadonlySet<RegionTableNode>[] {
  const members = typeof target === 'string' ? [target] : target
  return members.map((member) => new Set(serversOf(table, member, procedure, exclude)))
}

function explainNode(
  choice: ChoiceMade,
  asked: readonly ReadonlySet<RegionTableNode>[],
  node: RegionTableNode,
): ExplainedNode {
  const { table, procedure, drawn } = choice
  const compared = drawn.includes(node)
  const other = drawn.find((one) => one !== node) ?? node
  const isSelf = node.node === table.data.self
  return {
    node: node.node,
    region: node.region,
    verdict: verdictOf(choice, asked, node),
    versions: node.procedures.filter(({ name }) => name === procedure.name).map(({ version }) => version),
    rttMs: isSelf ? 0 : node.rttMs,
    load: node.load,
    inFlight: node.inFlight,
    expectedWaitMs: compared ? expectedWait(node, other, table.data.self) : undefined,
  }
}

function verdictOf(
  { table, target, procedure, exclude, drawn, taken }: ChoiceMade,
  asked: readonly ReadonlySet<RegionTableNode>[],
  node: RegionTableNode,
): NodeVerdict {
  if (node.node === taken?.node) return 'taken'
  if (drawn.includes(node)) return 'longer-wait'
  if (exclude.has(node.node)) return 'tried'
  if (!isAskedFor(table, target, node)) return 'not-asked-for'
  if (node.state !== 'up') return node.state
  if (!servesProcedure(node, procedure.name, procedure.version)) return 'no-procedure'
  if (node.isStuck && taken?.isStuck !== true) return 'stuck'
  const member = asked.findIndex((servers) => servers.has(node))
  const takenBy = asked.findIndex((servers) => taken !== undefined && servers.has(taken))
  return member !== -1 && member === takenBy ? 'not-drawn' : 'less-preferred'
}

function isAskedFor({ data }: RegionTableView, target: RegionTarget, { region }: RegionTableNode): boolean {
  const members = typeof target === 'string' ? [target] : target
  return members.some(
    (member) => member === 'nearest' || region === (member === 'primary' ? data.primaryRegion : member),
  )
}
