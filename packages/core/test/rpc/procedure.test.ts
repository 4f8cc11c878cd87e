import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it } from 'vitest'
import { contract, procedure } from '../../src/rpc/procedure.ts'

const anything: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
}
const run = (): number => 1
const badSpec = expect.objectContaining({ code: 'ERR_BAD_SPEC' })

describe('a procedure', () => {
  it('has version 1, no other versions and the main thread unless told otherwise', () => {
    const limits = { maxInFlight: Infinity, maxWaiting: 1_000 }
    const expected = { name: 'p', version: 1, compatible: [], thread: 'same', limits, primaryOnly: false }
    expect(procedure({ name: 'p', run })).toMatchObject(expected)
  })

  it('keeps what it is told, and runs under its name and version', () => {
    const limits = { maxInFlight: 4, maxWaiting: 0 }
    const identity = { name: 'p', version: 3, compatible: [1, 2], thread: 'own' } as const
    const { behavior, ...rest } = procedure({ ...identity, ...limits, primaryOnly: true, module: import.meta, run })
    const code: unknown = expect.anything()
    expect(rest).toEqual({ ...identity, limits, primaryOnly: true, allow: undefined, code })
    expect(behavior).toMatchObject({ name: 'p@3', module: import.meta.url })
  })

  it('refuses a name that is empty or too long', () => {
    for (const name of ['', 'x'.repeat(201)]) {
      expect(() => procedure({ name, run })).toThrow(badSpec)
      expect(() => contract({ name, input: anything, output: anything })).toThrow(badSpec)
    }
    expect(procedure({ name: 'x'.repeat(200), run }).name).toHaveLength(200)
  })

  it('refuses a version that is no whole number from 1', () => {
    for (const version of [0, -1, 1.5, NaN, 2 ** 32, 2 ** 53]) {
      expect(() => procedure({ name: 'p', version, run })).toThrow(badSpec)
      expect(() => contract({ name: 'p', version, input: anything, output: anything })).toThrow(badSpec)
      expect(() => procedure({ name: 'p', compatible: [1, version], run })).toThrow(badSpec)
    }
  })

  it('refuses limits that are no whole numbers', () => {
    for (const maxInFlight of [0, -1, 1.5, NaN])
      expect(() => procedure({ name: 'p', maxInFlight, run })).toThrow(badSpec)
    for (const maxWaiting of [-1, 1.5, NaN]) expect(() => procedure({ name: 'p', maxWaiting, run })).toThrow(badSpec)
  })

  it('refuses a thread of its own when no other thread can load it', () => {
    expect(() => procedure({ name: 'p', thread: 'own', run })).toThrow(badSpec)
    const shared = contract({ name: 'p', input: anything, output: anything })
    expect(() => shared.implement({ thread: 'own', run })).toThrow(badSpec)
  })
})

describe('a contract', () => {
  it('shows its callers a name and a version, and gives both to what implements it', () => {
    const shared = contract({ name: 'orders.create', version: 2, input: anything, output: anything })
    const { implement, ...identity } = shared
    expect(identity).toEqual({ name: 'orders.create', version: 2 })
    expect(implement({ compatible: [1], run })).toMatchObject({ ...identity, compatible: [1] })
  })
})
