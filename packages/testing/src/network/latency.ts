import type { Rtt } from './rtt-matrix.ts'

/** How long one way takes, in whole microseconds. */
export interface OneWay {
  readonly medianUs: number
  /** From the median to the 95th percentile. */
  readonly spreadUs: number
}

// In 1/1024 of the spread, for the chances 0/64, 1/64 up to 64/64 (the last: 1023/1024): -log10(2 * (1 - chance)), an
// exponential distribution moved so that its median is 0 and its 95th percentile 1. A table, because no two engines
// owe each other the same logarithm.
const quantiles: readonly number[] = [
  -308, -301, -294, -287, -280, -272, -264, -257, -249, -241, -233, -224, -216, -207, -198, -189, -180, -171, -161,
  -152, -142, -131, -121, -110, -99, -88, -76, -65, -52, -40, -27, -14, 0, 14, 29, 44, 59, 76, 92, 110, 128, 147, 167,
  187, 209, 232, 256, 281, 308, 337, 368, 401, 436, 475, 517, 564, 617, 676, 744, 826, 925, 1053, 1233, 1541, 2774,
]

// One message in 1024 takes 5 to 20 times as long, but at most this much longer: a lost packet is sent again by then.
const tailMaxUs = 1_000_000

/** One way is half the round trip. */
export function oneWayOf({ p50Ms, p95Ms }: Rtt): OneWay {
  return { medianUs: Math.round(p50Ms * 500), spreadUs: Math.round((p95Ms - p50Ms) * 500) }
}

/** How long one message takes, by 32 drawn bits. */
export function sampleUs({ medianUs, spreadUs }: OneWay, draw: number): number {
  const step = (draw >>> 10) & 63
  const low = quantiles[step] as number
  const high = quantiles[step + 1] as number
  const quantile = low + (((high - low) * (draw & 1023)) >> 10)
  const usual = Math.max(0, medianUs + Math.trunc((spreadUs * quantile) / 1024))
  if (draw >>> 22 !== 0) return usual
  return usual + Math.min(tailMaxUs, medianUs * (4 + ((draw >>> 16) & 15)))
}

/**
 * Some paths are slow for the whole run, by 10 to 50 %, because of the route they take (an idea of FoundationDB's
 * simulator). `chance` of all, by 32 drawn bits.
 */
export function slowed({ medianUs, spreadUs }: OneWay, chance: number, draw: number): OneWay {
  if ((draw >>> 16) / 65_536 >= chance) return { medianUs, spreadUs }
  const percent = 10 + (((draw & 0xffff) * 40) >> 16)
  return { medianUs: medianUs + Math.trunc((medianUs * percent) / 100), spreadUs }
}
