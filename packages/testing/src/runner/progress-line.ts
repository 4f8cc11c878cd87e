/** How far a swarm is. */
export interface Progress {
  readonly name: string
  readonly done: number
  /** How many seeds there will be, where that is known. */
  readonly total: number | undefined
  readonly bad: number
  readonly inconclusive: number
  readonly elapsedMs: number
  /** How long it may take, where that is known. */
  readonly limitMs: number | undefined
}

/** `orders  348 of 1,000 seeds  41 seeds/s  0:16 left`. */
export function progressLine({ name, done, total, bad, inconclusive, elapsedMs, limitMs }: Progress): string {
  const perSecond = seedsPerSecond(done, elapsedMs)
  const left = leftMs(done, total, elapsedMs, limitMs)
  return [
    name,
    `${done}${total === undefined ? '' : ` of ${total}`} seeds`,
    `${perSecond} seeds/s`,
    ...(bad > 0 ? [`${bad} failed`] : []),
    ...(inconclusive > 0 ? [`${inconclusive} without an answer`] : []),
    ...(left === undefined ? [] : [`${clock(left)} left`]),
  ].join('  ')
}

/** Rounded to three digits or so. */
export function seedsPerSecond(seeds: number, ms: number): number {
  const rate = (seeds / Math.max(1, ms)) * 1_000
  return rate >= 100 ? Math.round(rate) : Number(rate.toPrecision(2))
}

function leftMs(
  done: number,
  total: number | undefined,
  elapsedMs: number,
  limitMs: number | undefined,
): number | undefined {
  const byTime = limitMs === undefined ? Infinity : Math.max(0, limitMs - elapsedMs)
  const bySeeds = total === undefined || done === 0 ? Infinity : ((total - done) / done) * elapsedMs
  const left = Math.min(byTime, bySeeds)
  return Number.isFinite(left) ? left : undefined
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
