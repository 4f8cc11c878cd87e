import { type Figures, fullPace, type Pace, quantile } from './contest.ts'
import { copyCore, type CoreCopies, extraTimes } from './core-copies.ts'
import { countInstructions, hasValgrind } from './count-instructions.ts'
import { forked } from './forked.ts'
import { type Row, rowOf, skerry } from './row.ts'

const without = 'the same without the questions'
const again = 'the same code once more'

const loads = [
  { figure: 'sequential', id: 'sequential', quantity: 'local calls, nobody listens' },
  { figure: 'inFlight', id: '100-in-flight', quantity: 'the same, 100 in flight' },
] as const

/** What telemetry costs a local call while nobody listens. Each quantity is followed by what lay between the copies one time after another. */
export async function telemetrySuite(pace: Pace, wants: (row: string) => boolean): Promise<Row[]> {
  const copies = copyCore()
  try {
    const rows: Row[] = []
    if (wants('telemetry/instructions')) rows.push(...(await instructionRows(copies, pace)))
    if (wants('telemetry/call')) rows.push(...(await timeRows(copies, pace)))
    return rows
  } finally {
    copies.remove()
  }
}

const seedsFull = 3

/**
 * Counted, where the machine's other work changes nothing. Once with the compiler's limits lifted, so that it decides alike about all
 * copies: that is what the questions cost. And once with the limits that there are, where it may decide otherwise about one copy.
 */
async function instructionRows(copies: CoreCopies, pace: Pace): Promise<Row[]> {
  if (!hasValgrind()) {
    process.stderr.write('valgrind was not found: the instructions of a call are left out (Debian: valgrind)\n')
    return []
  }
  const jobs: (() => Promise<void>)[] = []
  const counts = (
    copy: 'asIs' | 'again' | 'without',
    limits: 'usual' | 'lifted',
    seeds: number,
  ): readonly Figures[] => {
    const its: Figures[] = []
    for (let seed = 0; seed < seeds; seed += 1) {
      jobs.push(async () => {
        its[seed] = await countInstructions(copies[copy], seed + 1, limits)
      })
    }
    return its
  }
  const seeds = pace.sliceMs < fullPace.sliceMs ? 1 : seedsFull
  const asIs = counts('asIs', 'lifted', seeds)
  const less = counts('without', 'lifted', seeds)
  const same = counts('again', 'lifted', seeds)
  const [asIsUsual, lessUsual] = [counts('asIs', 'usual', 1), counts('without', 'usual', 1)]
  // As counts don't depend on it, two at a time.
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job()
  }
  await Promise.all([worker(), worker()])

  const unit = 'instructions/call'
  const exact = loads.map(({ figure, id, quantity }) => {
    const ratiosTo = (others: readonly Figures[]): readonly number[] =>
      asIs.map((one, seed) => one[figure]! / others[seed]![figure]!)
    const count = median(asIs.map((one) => one[figure]!))
    const figures = (value: number): Figures => ({ [figure]: value })
    return rowOf(
      new Map([
        [skerry, figures(count)],
        [without, figures(count / median(ratiosTo(less)))],
        [again, figures(count / median(ratiosTo(same)))],
      ]),
      {
        id: `telemetry/instructions-${id}`,
        quantity: `${quantity} (${span(ratiosTo(less))}; same code twice: ${span(ratiosTo(same))})`,
        unit,
        figure,
        goals: [{ compare: '<=', factor: 1.02, peer: without }],
      },
    )
  })
  const asCompiled = loads.map(({ figure, id, quantity }) =>
    rowOf(
      new Map([
        [skerry, asIsUsual[0]!],
        [without, lessUsual[0]!],
      ]),
      { id: `telemetry/instructions-usual-${id}`, quantity: `${quantity}, the compiler's usual limits`, unit, figure },
    ),
  )
  return [...exact, ...asCompiled]
}

/**
 * By time: a copy that asks everything many times more is slower by many times what asking costs, and what blurs the comparison is divided
 * by as much. The longer code may be compiled worse, so that this tells too much rather than too little.
 */
async function timeRows(copies: CoreCopies, pace: Pace): Promise<Row[]> {
  const extra = await ratiosOf(copies.asIs, copies.extra, pace)
  const same = await ratiosOf(copies.asIs, copies.again, pace)
  return loads.map(({ figure, id, quantity }) => {
    const gained = (ratios: readonly Figures[]): readonly number[] =>
      ratios.map((one) => 1 + (one[figure]! - 1) / extraTimes)
    const rate = median(extra.map((one) => one[`${figure}Rate`]!))
    return rowOf(
      new Map([
        [skerry, { [figure]: rate }],
        [without, { [figure]: rate * median(gained(extra)) }],
        [again, { [figure]: rate * median(gained(same)) }],
      ]),
      {
        id: `telemetry/call-${id}`,
        quantity: `${quantity} (${interval(gained(extra))}; same code twice: ${interval(gained(same))})`,
        unit: 'calls/CPU s',
        figure,
        goals: [{ compare: '>=', factor: 0.98, peer: without }],
      },
    )
  })
}

// Fewer say nothing at 98 of a hundred.
const roundsMax = 8

/** How many times the second copy's rate the first one's is, and its rate, once a pair of processes. */
async function ratiosOf(first: string, second: string, pace: Pace): Promise<Figures[]> {
  const run = async (one: string, other: string): Promise<Figures> =>
    (await forked<Figures>('local-calls-process.js', [one, other, String(pace.sliceMs / 40)])).ready
  const rounds: Figures[] = []
  for (let round = 0; round < Math.min(pace.rounds, roundsMax); round += 1) {
    const [asFirst, asSecond] = [await run(first, second), await run(second, first)]
    // Who stands first gains by it: in the mean of both orders that is gone.
    const ratio = (figure: string): number => Math.sqrt(asFirst[`${figure}Ratio`]! / asSecond[`${figure}Ratio`]!)
    rounds.push({
      sequential: ratio('sequential'),
      sequentialRate: asFirst['sequential']!,
      inFlight: ratio('inFlight'),
      inFlightRate: asFirst['inFlight']!,
    })
  }
  return rounds
}

/** The least and the most of them. */
function span(ratios: readonly number[]): string {
  return `${Math.min(...ratios).toFixed(4)}x to ${Math.max(...ratios).toFixed(4)}x`
}

/** Between which values the true median of such ratios lies in 98 of a hundred runs, as what is left of the rate. */
function interval(ratios: readonly number[]): string {
  const sorted = ratios.map((ratio) => 1 / ratio).toSorted((one, other) => one - other)
  const left = leftOutside(sorted.length)
  return `${sorted[left]!.toFixed(4)}x to ${sorted.at(-1 - left)!.toFixed(4)}x`
}

/** How many of so many sorted values may be left out at either end, so that the true median lies between the others in 98 of a hundred such runs. */
function leftOutside(count: number): number {
  let ways = 1
  let outside = 2
  let left = 0
  // One more is left out while no more than a hundredth lies beyond it at each end.
  while (outside + (2 * ways * (count - left)) / (left + 1) <= 0.02 * 2 ** count) {
    ways = (ways * (count - left)) / (left + 1)
    outside += 2 * ways
    left += 1
  }
  return left
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values), 0.5)
}
