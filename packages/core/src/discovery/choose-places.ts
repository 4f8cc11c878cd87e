import { checkRegionName } from '../region/region-name.ts'
import type { Place } from './source.ts'

/** As the dialler keeps them. */
const addressCharsMax = 512

/** A source's list beyond this many places is cut. */
const placesReadMax = 4_096

export interface PlaceBounds {
  /** How many places are chosen at most. */
  readonly max: number
  /** Whether this place was chosen before. Those are kept first, so that links do not change for nothing. */
  readonly isHeld: (address: string) => boolean
  readonly isOurs: (address: string) => boolean
  /** A uniform integer from 0 to `below` - 1. */
  readonly pick: (below: number) => number
}

export interface ChosenPlaces {
  /** In the order in which to dial them. */
  readonly places: readonly Place[]
  /** Places and hints that can't be, and those beyond the bounds. */
  readonly dropped: number
}

/**
 * Which of the places that a source names are worth a dial, and in what order: the known first; then by chance, so that a
 * thousand nodes do not all dial the same few; of each region one before any region has two, so that a node soon knows
 * all regions.
 */
export function choosePlaces(found: readonly unknown[], bounds: PlaceBounds): ChosenPlaces {
  const byAddress = new Map<string, Place>()
  let dropped = Math.max(0, found.length - placesReadMax)
  for (const item of found.slice(0, placesReadMax)) {
    const place = readPlace(item)
    if (place === undefined || (place.region === undefined && hasRegion(item))) dropped += 1
    if (place !== undefined && !byAddress.has(place.address) && !bounds.isOurs(place.address)) {
      byAddress.set(place.address, place)
    }
  }
  const held: Place[] = []
  const fresh: Place[] = []
  for (const place of byAddress.values()) (bounds.isHeld(place.address) ? held : fresh).push(place)
  const ordered = [...held, ...spreadOverRegions(shuffled(fresh, bounds.pick))]
  return { places: ordered.slice(0, bounds.max), dropped: dropped + Math.max(0, ordered.length - bounds.max) }
}

function readPlace(item: unknown): Place | undefined {
  if (typeof item !== 'object' || item === null || !('address' in item)) return undefined
  const { address } = item
  if (typeof address !== 'string' || address === '' || address.length > addressCharsMax) return undefined
  return hasRegion(item) && isRegionName(item.region) ? { address, region: item.region } : { address }
}

function hasRegion(item: unknown): item is { readonly region: unknown } {
  return typeof item === 'object' && item !== null && 'region' in item && item.region !== undefined
}

function isRegionName(name: unknown): name is string {
  try {
    checkRegionName(name)
    return true
  } catch {
    // A hint that can't be the name of a region is no hint.
    return false
  }
}

function shuffled(places: readonly Place[], pick: (below: number) => number): Place[] {
  const mixed = [...places]
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = pick(last + 1)
    const moved = mixed[last] as Place
    mixed[last] = mixed[other] as Place
    mixed[other] = moved
  }
  return mixed
}

function spreadOverRegions(places: readonly Place[]): Place[] {
  const ranks = new Map<string | undefined, number>()
  const ranked = places.map((place) => {
    const rank = ranks.get(place.region) ?? 0
    ranks.set(place.region, rank + 1)
    return { place, rank }
  })
  return ranked.sort((a, b) => a.rank - b.rank).map(({ place }) => place)
}
