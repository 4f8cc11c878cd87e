import type { NodeId } from '../actor/pid.ts'
import type { RegionTableNode } from './region-table-layout.ts'

type Procedures = RegionTableNode['procedures']

/** A node that announces other schemas than this one for a procedure of the same version. */
export interface SchemaConflict {
  readonly node: NodeId
  readonly procedure: string
  readonly version: number
  /** The hash of its schemas. */
  readonly schema: string
}

/** Where the first of these nodes, this one, and the others differ: in the order of the others, and of what they announced. */
export function schemaConflicts([own, ...others]: readonly RegionTableNode[]): SchemaConflict[] {
  if (own === undefined) return []
  return others.flatMap((other) => conflictsWith(hashesOf(own.procedures), other))
}

/**
 * Notices each conflict once. What a node announced is compared when it is new: views are told every second, and mostly of the same.
 *
 * @example
 * const watch = new SchemaConflictWatch()
 * const news = watch.look(nodes)
 * if (news.length > 0) log.warn({ news }, 'schemas differ')
 */
export class SchemaConflictWatch {
  /** By node: what was compared, and what came of it. */
  readonly #seen = new Map<NodeId, { readonly procedures: Procedures; readonly conflicts: readonly SchemaConflict[] }>()
  #own: Procedures | undefined
  #hashes = hashesOf([])

  /** Those that were not there at the last look. This node is the first of the nodes. */
  look([own, ...others]: readonly RegionTableNode[]): SchemaConflict[] {
    if (own === undefined) return []
    const isOwnNew = own.procedures !== this.#own
    if (isOwnNew) {
      this.#own = own.procedures
      this.#hashes = hashesOf(own.procedures)
    }
    const news: SchemaConflict[] = []
    for (const other of others) {
      const before = this.#seen.get(other.node)
      if (!isOwnNew && before?.procedures === other.procedures) continue
      const conflicts = conflictsWith(this.#hashes, other)
      this.#seen.set(other.node, { procedures: other.procedures, conflicts })
      news.push(...conflicts.filter((one) => !before?.conflicts.some((known) => isSame(one, known))))
    }
    if (this.#seen.size > others.length) this.#forgetAllBut(new Set(others.map(({ node }) => node)))
    return news
  }

  #forgetAllBut(nodes: ReadonlySet<NodeId>): void {
    for (const node of this.#seen.keys()) if (!nodes.has(node)) this.#seen.delete(node)
  }
}

function hashesOf(procedures: Procedures): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  for (const { name, version, schema } of procedures) if (schema !== undefined) hashes.set(`${version} ${name}`, schema)
  return hashes
}

function conflictsWith(own: ReadonlyMap<string, string>, { node, procedures }: RegionTableNode): SchemaConflict[] {
  if (own.size === 0) return []
  return procedures.flatMap(({ name, version, schema }) => {
    const ours = own.get(`${version} ${name}`)
    if (ours === undefined || schema === undefined || schema === ours) return []
    return [{ node, procedure: name, version, schema }]
  })
}

function isSame(one: SchemaConflict, other: SchemaConflict): boolean {
  return one.procedure === other.procedure && one.version === other.version && one.schema === other.schema
}
