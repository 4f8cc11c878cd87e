/** The least round-trip time of a link as its transport is told it. */
export interface RttFloor {
  /** How many samples the span has. */
  readonly samples: number
  /** The least of them. */
  readonly leastMs: number
  /** The least of the span before. */
  readonly beforeMs: number
  /** `undefined` before the fourth sample. */
  readonly toldMs: number | undefined
}

export const noRttFloor: RttFloor = { samples: 0, leastMs: Infinity, beforeMs: Infinity, toldMs: undefined }

const samplesMin = 4
// Some 54 s of heartbeats. A path may have become longer for good, and a node that is busy for that long still has a quick moment in it.
const spanSamples = 120
// It is told again when it has changed by more than a quarter, and by more than this.
const changeMsMin = 1

/**
 * After one more sample. The floor is the least of the last one or two spans. It doesn't creep up while a node is busy, as the one by which lags are
 * judged does: a transport sizes by it what it may keep, and how long small frames may wait behind large ones.
 */
export function nextRttFloor(floor: RttFloor, sampleMs: number): RttFloor {
  const isNewSpan = floor.samples >= spanSamples
  const samples = isNewSpan ? 1 : floor.samples + 1
  const leastMs = isNewSpan ? sampleMs : Math.min(floor.leastMs, sampleMs)
  const beforeMs = isNewSpan ? floor.leastMs : floor.beforeMs
  const floorMs = Math.min(leastMs, beforeMs)
  return { samples, leastMs, beforeMs, toldMs: worthTelling(floor.toldMs, floorMs, samples) ? floorMs : floor.toldMs }
}

function worthTelling(toldMs: number | undefined, floorMs: number, samples: number): boolean {
  if (toldMs === undefined) return samples >= samplesMin
  return Math.abs(floorMs - toldMs) > Math.max(toldMs / 4, changeMsMin)
}
