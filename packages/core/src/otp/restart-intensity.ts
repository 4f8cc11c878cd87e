import { SpecError } from './errors.ts'

/** More than `maxRestarts` within `withinMs` and the supervisor gives up. Default: 3 within 5,000 ms, as in Elixir. */
export interface Intensity {
  readonly maxRestarts: number
  readonly withinMs: number
}

export const intensityDefault: Intensity = { maxRestarts: 3, withinMs: 5_000 }

/** The intensity of the supervisor of that name, or the default. Throws `ERR_BAD_SPEC`. */
export function checkedIntensity(supervisor: string, intensity: Intensity = intensityDefault): Intensity {
  if (intensity.maxRestarts >= 0 && intensity.withinMs > 0) return intensity
  throw new SpecError(`Supervisor "${supervisor}": intensity needs maxRestarts >= 0 and withinMs > 0`)
}

/**
 * The restarts that count after one more at `nowMs`, oldest first, and whether they are too many. A restart exactly
 * `withinMs` ago still counts, as in OTP. The list never holds more than `maxRestarts` + 1.
 */
export function addRestart(
  restartsMs: readonly number[],
  nowMs: number,
  intensity: Intensity,
): { restartsMs: readonly number[]; exceeded: boolean } {
  const counted = [...restartsMs.filter((atMs) => nowMs - atMs <= intensity.withinMs), nowMs]
  return { restartsMs: counted, exceeded: counted.length > intensity.maxRestarts }
}
