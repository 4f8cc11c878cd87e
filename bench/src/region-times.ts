import { readFileSync } from 'node:fs'

/** Round trips between regions, in milliseconds. */
export interface RegionTimes {
  readonly names: readonly string[]
  between(from: string, to: string): { readonly p50: number; readonly p95: number }
}

/** The data that the simulator's own table was made from. */
export function readRegionTimes(): RegionTimes {
  const text = readFileSync(new URL('../../packages/testing/data/rtt.csv', import.meta.url), 'utf8')
  const table = new Map<string, { p50: number; p95: number }>()
  const names = new Set<string>()
  for (const line of text.split('\n').slice(2)) {
    const [from, to, p50, p95] = line.split(',')
    if (from === undefined || to === undefined || from === '') continue
    names.add(from)
    table.set(`${from} ${to}`, { p50: Number(p50), p95: Number(p95) })
  }
  const inside = { p50: 0.6, p95: 0.9 }
  return {
    names: [...names],
    between: (from, to) => table.get(`${from} ${to}`) ?? (from === to ? inside : { p50: 80, p95: 85 }),
  }
}

/** How far a draw from 0 to 1 lies from the median, where 1 is the 95th percentile. Exponential beyond the median, so that one of twenty takes the 95th percentile. */
export function spreadOf(draw: number): number {
  return draw < 0.5 ? (draw - 0.5) * 0.6 : -Math.log10(2 * (1 - draw) + 1e-9)
}
