import { describe, expect, it } from 'vitest'
import { choosePlaces, type PlaceBounds } from '../../src/discovery/choose-places.ts'

const bounds = (changed: Partial<PlaceBounds> = {}): PlaceBounds => ({
  max: 10,
  isHeld: () => false,
  isOurs: () => false,
  // Every place changes with itself: the order stays.
  pick: (below) => below - 1,
  ...changed,
})

const addresses = (found: readonly unknown[], changed?: Partial<PlaceBounds>): string[] =>
  choosePlaces(found, bounds(changed)).places.map(({ address }) => address)

describe('the places that are dialled', () => {
  it('are first one of each region, then a second of each', () => {
    const found = ['syd', 'syd', 'syd', 'lax', 'fra', 'fra'].map((region, index) => ({
      address: `${region}${index}`,
      region,
    }))
    expect(addresses(found)).toEqual(['syd0', 'lax3', 'fra4', 'syd1', 'fra5', 'syd2'])
  })

  it('are first those that were dialled before, so that a bound does not change links for nothing', () => {
    const found = ['a', 'b', 'c', 'd'].map((address) => ({ address }))
    expect(addresses(found, { max: 2, isHeld: (address) => address === 'd' })).toEqual(['d', 'a'])
  })

  it('are picked by chance from more than the bound', () => {
    const found = ['a', 'b', 'c', 'd'].map((address) => ({ address }))
    expect(addresses(found, { max: 2, pick: () => 0 })).toEqual(['b', 'c'])
    expect(choosePlaces(found, bounds({ max: 3 })).dropped).toBe(1)
  })

  it('are neither our own nor named twice', () => {
    const found = [{ address: 'a' }, { address: 'us' }, { address: 'a' }]
    expect(addresses(found, { isOurs: (address) => address === 'us' })).toEqual(['a'])
  })

  it('leave out, and count, what is no place', () => {
    const found = [null, 7, {}, { address: '' }, { address: 4 }, { address: 'x'.repeat(513) }, { address: 'a' }]
    expect(choosePlaces(found, bounds())).toEqual({ places: [{ address: 'a' }], dropped: 6 })
  })

  it('are kept without a region that can not be one', () => {
    const found = [
      { address: 'a', region: 'primary' },
      { address: 'b', region: 'x'.repeat(65) },
      { address: 'c', region: 3 },
    ]
    expect(choosePlaces(found, bounds())).toEqual({
      places: [{ address: 'a' }, { address: 'b' }, { address: 'c' }],
      dropped: 3,
    })
  })

  it('come from the first 4,096 that are named', () => {
    const found = Array.from({ length: 5_000 }, (_, index) => ({ address: `a${index}` }))
    const { places, dropped } = choosePlaces(found, bounds({ max: 5_000 }))
    expect([places.length, dropped]).toEqual([4_096, 904])
  })
})
