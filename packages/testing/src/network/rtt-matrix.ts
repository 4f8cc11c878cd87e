import { TestingError } from '../platform/errors.ts'
import { azureP50Ms, azureP95Ms, azureRegions } from './azure-rtt.ts'

/** A round trip in milliseconds: how long half of them take at most, and 95 of a hundred. */
export interface Rtt {
  readonly p50Ms: number
  readonly p95Ms: number
}

/**
 * Round trips between regions, from the first named to the second. A bare number is the median; the 95th percentile is
 * then 5.5 % more, the median difference in the measured data.
 */
export type RttMatrix = Readonly<Record<string, Readonly<Record<string, number | Rtt>>>>
export type RttFunction = (from: string, to: string) => number | Rtt

export interface RttOptions {
  /**
   * Where round trips come from. Default: what Azure measured between 24 regions, named as Fly.io does
   * (`iad ord dfw sjc sea yyz qro gru dub lhr ams cdg fra mad arn waw jnb dxb bom sin hkg nrt icn syd`).
   */
  readonly rtt?: 'azure-2026-07' | RttMatrix | RttFunction
  /** Multiplies every round trip between regions. Default 1; 1.0 to 1.4 covers what other providers publish. */
  readonly scale?: number
  /** The median round trip inside a region. Its 95th percentile is one and a half times that. Default 0.6 ms. */
  readonly intraRegionMs?: number
  /** The median round trip between two regions of which one is not in the matrix, such as `local` or `eu`. Default 80 ms. */
  readonly unknownRegionMs?: number
}

// The median of (p95 - p50) / p50 over all pairs of data/rtt.csv.
const spread = 1.055
// Between the zones of a region round trips vary more than between regions: 0.6 to 2.9 ms are published.
const intraRegionSpread = 1.5

/** The round trip between any two regions under these options. Throws `ERR_BAD_SIMULATION` where one is no time. */
export function rttBetween(options: RttOptions = {}): (from: string, to: string) => Rtt {
  const { rtt = 'azure-2026-07', scale = 1, intraRegionMs = 0.6, unknownRegionMs = 80 } = options
  checkTime('scale', scale)
  checkTime('intraRegionMs', intraRegionMs)
  checkTime('unknownRegionMs', unknownRegionMs)
  const find = typeof rtt === 'function' ? rtt : rtt === 'azure-2026-07' ? azureRtt : fromMatrix(rtt)
  return (from, to) => {
    const found = find(from, to)
    if (found === undefined && from === to) return { p50Ms: intraRegionMs, p95Ms: intraRegionMs * intraRegionSpread }
    const between = found ?? unknownRegionMs
    const { p50Ms, p95Ms } = typeof between === 'number' ? { p50Ms: between, p95Ms: between * spread } : between
    checkTime(`the round trip from ${from} to ${to}`, p50Ms)
    checkTime(`the round trip from ${from} to ${to}`, p95Ms - p50Ms)
    return { p50Ms: p50Ms * scale, p95Ms: p95Ms * scale }
  }
}

function azureRtt(from: string, to: string): Rtt | undefined {
  if (from === to) return undefined
  const column = azureRegions.indexOf(to)
  // What people call a region need not be one of ours: `Object.hasOwn` keeps `constructor` out.
  const p50Ms = Object.hasOwn(azureP50Ms, from) ? azureP50Ms[from]?.[column] : undefined
  const p95Ms = Object.hasOwn(azureP95Ms, from) ? azureP95Ms[from]?.[column] : undefined
  return p50Ms === undefined || p95Ms === undefined ? undefined : { p50Ms, p95Ms }
}

function fromMatrix(matrix: RttMatrix): (from: string, to: string) => number | Rtt | undefined {
  return (from, to) => {
    const row = Object.hasOwn(matrix, from) ? matrix[from] : undefined
    return row !== undefined && Object.hasOwn(row, to) ? row[to] : undefined
  }
}

function checkTime(what: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return
  throw new TestingError('ERR_BAD_SIMULATION', `Bad network: ${what} can't be ${value} (p95 is never below p50)`)
}
