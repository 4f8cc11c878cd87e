import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { schemaHash, streamSchemaHash } from '../../src/rpc/schema-hash.ts'

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

  it('is of what a valibot schema is made of, as far as callers see it', () => {
    const order = v.object({ sku: v.pipe(v.string(), v.maxLength(8)), lines: v.optional(v.array(v.bigint()), []) })
    const hash = schemaHash(order, receipt)
    expect(hash).toMatch(/^[0-9a-f]{16}$/)
    const same = v.object({
      lines: v.optional(v.array(v.bigint('not a bigint')), []),
      sku: v.pipe(v.string('not a text'), v.title('SKU'), v.maxLength(8, 'too long')),
    })
    expect(schemaHash(same, receipt)).toBe(hash)
    const others = [
      v.object({ sku: v.pipe(v.string(), v.maxLength(9)), lines: v.optional(v.array(v.bigint()), []) }),
      v.object({ sku: v.pipe(v.string(), v.maxLength(8)), lines: v.array(v.bigint()) }),
      v.object({ sku: v.pipe(v.string(), v.maxLength(8)), lines: v.optional(v.array(v.date()), []) }),
      v.object({ sku: v.pipe(v.string(), v.regex(/a/u)) }),
      v.object({ sku: v.pipe(v.string(), v.regex(/b/u)) }),
      v.object({ sku: v.pipe(v.date(), v.minValue(new Date(1))) }),
      v.object({ sku: v.pipe(v.date(), v.minValue(new Date(2))) }),
      v.object({ sku: v.literal(1n) }),
      v.object({ sku: v.literal(2n) }),
    ]
    expect(new Set([hash, ...others.map((one) => schemaHash(one, receipt))]).size).toBe(others.length + 1)
  })

  it('of a schema that refers to itself is made, as what is lazy is code', () => {
    interface Tree {
      readonly children: Tree[]
    }
    const tree: v.GenericSchema<Tree> = v.object({ children: v.array(v.lazy(() => tree)) })
    expect(schemaHash(tree, receipt)).toMatch(/^[0-9a-f]{16}$/)
  })

  it('is of the text that the author gives instead, whatever the library', () => {
    const hash = schemaHash(z.bigint(), receipt, '2')
    expect(hash).toMatch(/^[0-9a-f]{16}$/)
    expect(schemaHash(receipt, receipt, '2')).toBe(hash)
    expect(schemaHash(z.bigint(), receipt, '3')).not.toBe(hash)
  })

  it('is none where nothing of the schemas is known', () => {
    const strange: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'mine', validate: (value) => ({ value }) } }
    expect(schemaHash(strange, receipt)).toBeUndefined()
    expect(schemaHash(z.bigint(), receipt)).toBeUndefined()
    expect(schemaHash(undefined, undefined)).toBeUndefined()
    let deep: v.GenericSchema = v.string()
    for (let level = 0; level < 100; level += 1) deep = v.array(deep)
    expect(schemaHash(deep, receipt)).toBeUndefined()
  })

  it('of a stream is of what goes in and comes out, once or one by one', () => {
    const [text, number] = [z.string(), z.number()]
    const hashes = [
      streamSchemaHash({ input: text, item: number, incoming: text }),
      streamSchemaHash({ input: text, item: number, incoming: number }),
      streamSchemaHash({ input: text, item: number, incoming: undefined }),
      streamSchemaHash({ input: text, item: text, incoming: text }),
      streamSchemaHash({ input: number, item: number, incoming: text }),
      streamSchemaHash({ input: z.bigint(), item: number, incoming: undefined }, '2'),
      schemaHash(text, number),
    ]
    expect(hashes.every((hash) => /^[0-9a-f]{16}$/.test(hash ?? ''))).toBe(true)
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(streamSchemaHash({ input: z.bigint(), item: number, incoming: undefined })).toBeUndefined()
    expect(streamSchemaHash({ input: text, item: number, incoming: z.bigint() })).toBeUndefined()
  })
})
