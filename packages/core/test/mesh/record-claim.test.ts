import { describe, expect, it } from 'vitest'
import { mayClaim } from '../../src/mesh/record-claim.ts'

describe('what a record claims', () => {
  it('is any region for a node whose regions nobody named', () => {
    expect(mayClaim({ region: 'lax' }, undefined)).toBe(true)
  })

  it('is one of its regions for all others', () => {
    expect(mayClaim({ region: 'lax' }, ['syd', 'lax'])).toBe(true)
    expect(mayClaim({ region: 'lax' }, ['syd'])).toBe(false)
    expect(mayClaim({ region: '' }, [])).toBe(false)
  })
})
