import type { ProcedureName } from '../actor/region-target.ts'
import type { RegionTableNode } from './region-table-layout.ts'
import { type RegionTableView, servesProcedure } from './region-table-view.ts'

/** Why no node could be chosen. */
export interface Refusal {
  readonly code: 'ERR_NO_NODE_IN_REGION' | 'ERR_NO_PROCEDURE'
  /** It names what is known: regions, versions. */
  readonly message: string
}

export function refuseRegion(table: RegionTableView, region: string, procedure: ProcedureName): Refusal {
  const present = table.data.nodes.filter((node) => node.region === region)
  const up = present.filter(isUp)
  if (up.some((node) => servesProcedure(node, procedure.name, procedure.version))) {
    return refusal(table, `Every node in region "${region}" that serves ${formatProcedure(procedure)} was excluded`)
  }
  if (up.length > 0) return noProcedure(table, procedure, `Of ${up.length} nodes in region "${region}"`, up)
  if (present.length > 0)
    return refusal(table, `No node in region "${region}" is up: all ${present.length} are stopping`)
  const regions = table.regions()
  const known = regions.length === 0 ? 'no region is known yet' : `known regions: ${regions.join(', ')}`
  return refusal(table, `No node is in region "${region}" (${known})`)
}

export function refuseAllRegions(table: RegionTableView, procedure: ProcedureName): Refusal {
  const up = table.data.nodes.filter(isUp)
  if (up.length === 0) return refusal(table, 'No node is up in any region')
  if (up.some((node) => servesProcedure(node, procedure.name, procedure.version))) {
    return refusal(table, `Every node that serves ${formatProcedure(procedure)} was excluded`)
  }
  return noProcedure(table, procedure, `Of ${up.length} nodes in all regions`, up)
}

export function refuseEmptyList(): Refusal {
  return { code: 'ERR_NO_NODE_IN_REGION', message: 'No region was named' }
}

/** Of the refusals of a list's members, one. */
export function refuseList(refusals: readonly Refusal[]): Refusal {
  const isHopeless = refusals.every(({ code }) => code === 'ERR_NO_PROCEDURE')
  const message = refusals.map((one) => one.message).join('; ')
  return { code: isHopeless ? 'ERR_NO_PROCEDURE' : 'ERR_NO_NODE_IN_REGION', message }
}

function isUp({ state }: RegionTableNode): boolean {
  return state === 'up'
}

function refusal(table: RegionTableView, message: string): Refusal {
  return { code: 'ERR_NO_NODE_IN_REGION', message: message + formatOmitted(table) }
}

function noProcedure(
  table: RegionTableView,
  procedure: ProcedureName,
  where: string,
  up: readonly RegionTableNode[],
): Refusal {
  const { name } = procedure
  const there = versionsAmong(up, name)
  const elsewhere = versionsAmong(
    table.data.nodes.filter((node) => !up.includes(node)),
    name,
  )
  const found =
    there !== ''
      ? `they have version ${there}`
      : elsewhere !== ''
        ? `other nodes have version ${elsewhere}`
        : 'no known node has any version of it'
  const message = `${where}, none serves ${formatProcedure(procedure)}: ${found}`
  return { code: 'ERR_NO_PROCEDURE', message: message + formatOmitted(table) }
}

function versionsAmong(nodes: readonly RegionTableNode[], name: string): string {
  const versions = nodes.flatMap(({ procedures }) =>
    procedures.filter((procedure) => procedure.name === name).map(({ version }) => version),
  )
  return [...new Set(versions)].sort((one, other) => one - other).join(', ')
}

function formatProcedure({ name, version }: ProcedureName): string {
  return `procedure "${name}" at version ${version}`
}

function formatOmitted({ data: { omitted } }: RegionTableView): string {
  return omitted === 0 ? '' : ` (${omitted} more nodes are known but do not fit into the region table)`
}
