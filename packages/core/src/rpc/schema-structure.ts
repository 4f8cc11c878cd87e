import { isDate } from 'node:util/types'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** As deep as a schema is walked; one that nests deeper has no structure. */
const depthMax = 64

// What says nothing of the values that fit: texts for people, and how the library runs it.
const leftOut = new Set(['message', 'reference', 'expects', 'async'])

/**
 * What a schema is made of, as plain data, where its library keeps it as such and gives no JSON Schema by itself: valibot,
 * whose schemas are objects of `kind`, `type`, and what they hold. Code in it (a check, a transform, a lazy schema) shows only
 * that it is there. `undefined` for every other library, and beyond 64 levels.
 */
export function schemaStructure(schema: StandardSchemaV1): unknown {
  if (schema['~standard'].vendor !== 'valibot') return undefined
  try {
    return structure(schema, depthMax)
  } catch (error) {
    if (error instanceof TooDeep) return undefined
    throw error
  }
}

class TooDeep extends Error {}

function structure(value: unknown, depthLeft: number): unknown {
  if (depthLeft === 0) throw new TooDeep()
  if (typeof value === 'function') return 'code'
  if (typeof value === 'bigint') return { bigint: String(value) }
  if (typeof value === 'symbol') return 'symbol'
  if (value === undefined) return { undefined: true }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof RegExp) return { pattern: String(value) }
  if (isDate(value)) return { date: value.getTime() }
  if (Array.isArray(value)) {
    return value.filter((item) => !isMetadata(item)).map((item) => structure(item, depthLeft - 1))
  }
  const parts: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(value)) {
    if (leftOut.has(name) || name.startsWith('~')) continue
    parts[name] = structure(part, depthLeft - 1)
  }
  return parts
}

/** A title, a description: of the schema, not of its values. */
function isMetadata(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'metadata'
}
