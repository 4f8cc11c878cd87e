import { RingQueue } from '../base/ring-queue.ts'
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

/** The restarts of one supervisor that still count. Holds at most `maxRestarts` + 1, if nobody goes on after too many. */
export class RestartWindow {
  readonly #intensity: Intensity
  readonly #timesMs = new RingQueue<number>(2)

  constructor(intensity: Intensity) {
    this.#intensity = intensity
  }

  get length(): number {
    return this.#timesMs.length
  }

  /** Adds a restart at `nowMs`. Gives whether they are too many now. One exactly `withinMs` ago still counts, as in OTP. */
  add(nowMs: number): boolean {
    const { maxRestarts, withinMs } = this.#intensity
    const times = this.#timesMs
    times.push(nowMs)
    while (nowMs - (times.first ?? nowMs) > withinMs) times.shift()
    return times.length > maxRestarts
  }
}
