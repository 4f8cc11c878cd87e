import type { Fault } from '../fault/fault.ts'
import type { SimCase } from '../simulation/sim-case.ts'

/**
 * A case as a test: TypeScript that passes it to `simReplay` beside the simulation, whose name in the code is
 * `simulation`. It names every fault and every operation that is left out, so later changes of how seeds are resolved
 * do not touch it.
 */
export function caseCode(name: string, simulation: string, simCase: SimCase): string {
  const { faults, nodes, skippedOps = [], ...plain } = simCase
  const lines = [
    `  ${Object.entries(plain)
      .map(([key, value]) => `${key}: ${literal(value)}`)
      .join(', ')},`,
    `  nodes: [${nodes.map((node) => fields(node)).join(', ')}],`,
    ...listed(
      'faults',
      faults.map((fault: Fault) => fields(fault)),
    ),
    ...(skippedOps.length === 0 ? [] : [`  skippedOps: ${literal(skippedOps)},`]),
  ]
  return [`simReplay(${literal(name)}, ${simulation}, {`, ...lines, '})'].join('\n')
}

function listed(key: string, items: readonly string[]): string[] {
  if (items.length === 0) return [`  ${key}: [],`]
  return [`  ${key}: [`, ...items.map((item) => `    ${item},`), '  ],']
}

function fields(object: object): string {
  return `{ ${Object.entries(object)
    .map(([key, value]) => `${key}: ${literal(value)}`)
    .join(', ')} }`
}

/** As the formatter would write it. What is in a case is plain: strings, numbers, booleans and lists of strings. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  return String(value)
}
