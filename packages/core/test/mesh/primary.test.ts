import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeRecord } from '../../src/mesh/node-record.ts'
import { newerPrimary, type Primary, primaryConflicts } from '../../src/mesh/primary.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const configured: Primary = { region: 'syd', epoch: 0, by: '' }
const primary = fc.record<Primary>({
  region: fc.constantFrom('syd', 'lax', 'fra'),
  epoch: fc.integer({ min: 1, max: 3 }),
  by: fc.constantFrom('a', 'b', 'c'),
})

describe('of two primaries', () => {
  it('the one of the higher epoch is believed, whoever announced it', () => {
    const older: Primary = { region: 'lax', epoch: 1, by: 'z' }
    const newer: Primary = { region: 'fra', epoch: 2, by: 'a' }
    expect(newerPrimary(older, newer)).toBe(newer)
    expect(newerPrimary(newer, older)).toBe(newer)
    expect(newerPrimary(configured, older)).toBe(older)
  })

  it('of one epoch the one of the higher node id is believed', () => {
    const low: Primary = { region: 'lax', epoch: 2, by: 'a' }
    const high: Primary = { region: 'fra', epoch: 2, by: 'b' }
    expect(newerPrimary(low, high)).toBe(high)
    expect(newerPrimary(high, low)).toBe(high)
  })

  it('a configuration convinces nobody', () => {
    const other: Primary = { region: 'lax', epoch: 0, by: '' }
    expect(newerPrimary(configured, other)).toBe(configured)
    expect(newerPrimary(other, configured)).toBe(other)
  })

  it('all nodes come to believe the same one, in whatever order and however often they hear of them', () => {
    fc.assert(
      fc.property(fc.array(primary, { minLength: 1 }), fc.infiniteStream(fc.nat()), (heard, order) => {
        const shuffled = [...heard, ...heard].map((one) => ({ one, at: order.next().value as number }))
        shuffled.sort((left, right) => left.at - right.at)
        const straight = heard.reduce(newerPrimary, configured)
        const other = shuffled.map(({ one }) => one).reduce(newerPrimary, { region: 'nrt', epoch: 0, by: '' })
        expect(other).toEqual(straight)
      }),
    )
  })
})

describe('a conflict of configurations', () => {
  it('is with every node that names another region', () => {
    const others = [record('c', 'fra'), record('b', 'lax'), record('d', 'syd')]
    expect(primaryConflicts(record('a', 'syd'), others)).toEqual([
      { node: 'b', primaryRegion: 'lax' },
      { node: 'c', primaryRegion: 'fra' },
    ])
  })

  it('is settled by a change at run time', () => {
    expect(primaryConflicts(record('a', 'syd', 1), [record('b', 'lax')])).toEqual([])
    expect(primaryConflicts(record('a', 'syd'), [record('b', 'lax', 1)])).toEqual([])
  })
})

function record(node: string, primaryRegion: string, primaryEpoch = 0): NodeRecord {
  return nodeRecord(node, { region: 'syd', primaryRegion, primaryEpoch })
}
