/** What one slice of one contestant gave: calls per second, or a latency's percentiles. */
export type Figures = Readonly<Record<string, number>>

/** One of those that are compared. */
export interface Contestant {
  readonly name: string
  /** Works for about `sliceMs` and says what it reached. */
  run(sliceMs: number): Promise<Figures> | Figures
}

/** How long a suite measures. */
export interface Pace {
  readonly warmUps: number
  readonly rounds: number
  /** How long one contestant works in one round, in milliseconds. */
  readonly sliceMs: number
}

export const fullPace: Pace = { warmUps: 2, rounds: 11, sliceMs: 200 }
/** For trying a suite out. Its figures mean nothing. */
export const quickPace: Pace = { warmUps: 1, rounds: 3, sliceMs: 40 }

/** Longer slices. */
export const slower = (pace: Pace, factor: number): Pace => ({ ...pace, sliceMs: pace.sliceMs * factor })

/** More rounds of shorter slices: for what depends on how the machine happens to be just now. */
export function finer({ warmUps, rounds, sliceMs }: Pace, factor: number): Pace {
  return { warmUps: warmUps * factor, rounds: rounds * factor, sliceMs: sliceMs / factor }
}

/**
 * A longer warm-up: for what has so much code that its first half second is mostly the compiler's. Calls by region cost three times as much
 * then as later, and a bare echo twice; after two and a half seconds of each they cost what they go on to.
 */
export const warmer = (pace: Pace): Pace => ({ ...pace, warmUps: pace.warmUps * 8 })

/**
 * Lets the contestants take turns (A B, A B, …), so that whatever else the machine does meets all of them, and gives the
 * median over the rounds of each one's figures. The warm-up rounds are left out.
 */
export async function contest(contestants: readonly Contestant[], pace: Pace): Promise<Map<string, Figures>> {
  const rounds = new Map<string, Figures[]>(contestants.map(({ name }) => [name, []]))
  for (let round = -pace.warmUps; round < pace.rounds; round += 1) {
    for (const contestant of contestants) {
      const figures = await contestant.run(pace.sliceMs)
      if (round >= 0) rounds.get(contestant.name)!.push(figures)
    }
  }
  return new Map(contestants.map(({ name }) => [name, medians(rounds.get(name)!)]))
}

function medians(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0]!)
  return Object.fromEntries(
    names.map((name) => [
      name,
      quantile(
        Float64Array.from(rounds, (one) => one[name]!),
        0.5,
      ),
    ]),
  )
}

/** The value below which `share` of the values lie. Sorts them in place. */
export function quantile(values: Float64Array, share: number): number {
  values.sort()
  return values[Math.min(values.length - 1, Math.floor(values.length * share))]!
}
