import { describe, expect, it } from 'vitest'
import { checkRpcOptions } from '../../src/rpc/rpc-options.ts'

describe('the options of a call', () => {
  it('may be left out', () => {
    expect(checkRpcOptions({})).toBeUndefined()
  })

  it('take any time that a timer can measure', () => {
    for (const timeoutMs of [0.1, 1, 5_000, 2 ** 31 - 1]) expect(checkRpcOptions({ timeoutMs })).toBeUndefined()
  })

  it('take no time that is none, and say what they got', () => {
    for (const timeoutMs of [0, -1, NaN, Infinity, 2 ** 31]) {
      expect(checkRpcOptions({ timeoutMs })).toMatch(new RegExp(`timeoutMs.*not ${timeoutMs}`))
    }
  })

  it('take an idempotency key of 1 to 256 characters', () => {
    for (const length of [1, 256]) expect(checkRpcOptions({ idempotencyKey: 'k'.repeat(length) })).toBeUndefined()
    for (const length of [0, 257])
      expect(checkRpcOptions({ idempotencyKey: 'k'.repeat(length) })).toMatch(/idempotencyKey/)
  })
})
