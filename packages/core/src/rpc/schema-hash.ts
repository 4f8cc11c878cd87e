import { createHash } from 'node:crypto'
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { schemaStructure } from './schema-structure.ts'

const hashChars = 16

/**
 * A hash of what callers put in and get out, by which two nodes can be told to have different schemas under one version: 16
 * hexadecimal digits of a SHA-256 over the schemas as JSON Schema with sorted keys, where their library gives it through the
 * Standard (`~standard.jsonSchema`: zod from 4.2, arktype from 2.1.28); over what they are made of for valibot (`schemaStructure`). Code inside
 * a schema (a refinement, a transform) is in neither, so equal hashes do not promise equal schemas; different ones say that
 * they differ. Other versions of a library may print the same schema differently.
 *
 * `schemaVersion`: the author's own word for what the schemas are, instead of all that. `undefined` without it for other libraries, and
 * for what has no JSON Schema, as a bigint.
 */
export function schemaHash(
  input: StandardSchemaV1 | undefined,
  output: StandardSchemaV1 | undefined,
  schemaVersion?: string,
): string | undefined {
  if (schemaVersion !== undefined) return hashOf({ schemaVersion })
  return hashOfAll([described(input, 'input'), described(output, 'output')])
}

/** The same of a stream, whose callers also see what of theirs goes in one by one, if any does. */
export function streamSchemaHash(
  { input, item, incoming }: Record<'input' | 'item' | 'incoming', StandardSchemaV1 | undefined>,
  schemaVersion?: string,
): string | undefined {
  if (schemaVersion !== undefined) return hashOf({ schemaVersion })
  const comesIn = incoming === undefined ? null : described(incoming, 'input')
  return hashOfAll([described(input, 'input'), described(item, 'output'), comesIn])
}

function hashOfAll(sides: readonly unknown[]): string | undefined {
  return sides.includes(undefined) ? undefined : hashOf(sides)
}

function hashOf(data: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(data)))
    .digest('hex')
    .slice(0, hashChars)
}

function described(schema: StandardSchemaV1 | undefined, side: 'input' | 'output'): unknown {
  if (schema === undefined) return undefined
  return jsonSchema(schema, side) ?? schemaStructure(schema)
}

function jsonSchema(schema: StandardSchemaV1, side: 'input' | 'output'): unknown {
  const { jsonSchema: converter } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>
  if (converter === undefined) return undefined
  try {
    return converter[side]({ target: 'draft-2020-12' })
  } catch {
    // How a library says that this schema has no JSON Schema: then there is nothing stable to hash.
    return undefined
  }
}

// Lists that are sets: their order says nothing.
const unordered = new Set(['required', 'enum'])

function sorted(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return unordered.has(key) ? value.map(String).sort() : value.map((item) => sorted(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner, name)]))
}
