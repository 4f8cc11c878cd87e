import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { schemaHash } from '../../src/rpc/schema-hash.ts'

const receipt = z.object({ id: z.string() })

describe('the hash of schemas', () => {
  it('is the same for schemas that say the same, in whatever order', () => {
    const one = schemaHash(z.object({ sku: z.string(), quantity: z.number().int() }), receipt)
    const other = schemaHash(z.object({ quantity: z.number().int(), sku: z.string() }), receipt)
    expect(one).toMatch(/^[0-9a-f]{16}$/)
    expect(other).toBe(one)
  })

  it('is another one when anything that callers see is another', () => {
    const hashes = [
      schemaHash(z.object({ sku: z.string() }), receipt),
      schemaHash(z.object({ sku: z.number() }), receipt),
      schemaHash(z.object({ sku: z.string().optional() }), receipt),
      schemaHash(z.object({ sku: z.string() }), z.object({ id: z.number() })),
      schemaHash(receipt, z.object({ sku: z.string() })),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('is of what goes in, before it is transformed', () => {
    const transformed = z.object({ sku: z.string().transform((text) => text.length) })
    expect(schemaHash(transformed, receipt)).toBe(schemaHash(z.object({ sku: z.string() }), receipt))
  })

  it('is made for every library that gives a JSON Schema', () => {
    expect(schemaHash(type({ sku: 'string' }), type({ id: 'string' }))).toMatch(/^[0-9a-f]{16}$/)
  })

  it('is none where the library, or the schema, has no JSON Schema', () => {
    expect(schemaHash(v.object({ sku: v.string() }), receipt)).toBeUndefined()
    expect(schemaHash(z.bigint(), receipt)).toBeUndefined()
    expect(schemaHash(undefined, undefined)).toBeUndefined()
  })
})
