import { type Figures, fullPace, type Pace, quantile } from './contest.ts'
import { copyCore } from './core-copies.ts'
import { forked } from './forked.ts'
import { type Row, rowOf, skerry } from './row.ts'

const without = 'the same without the checks'

/** What telemetry costs a local call while nobody listens. */
export async function telemetrySuite(pace: Pace): Promise<Row[]> {
  const copies = copyCore()
  const run = async (first: string, second: string): Promise<Figures> =>
    (await forked<Figures>('local-calls-process.js', [first, second, String(pace.sliceMs / 40)])).ready
  const asFirst: Figures[] = []
  const asSecond: Figures[] = []
  // Of eleven rounds the interval was wider than what is to be told apart.
  const rounds = pace.sliceMs < fullPace.sliceMs ? pace.rounds : 3 * pace.rounds
  for (let round = 0; round < rounds; round += 1) {
    asFirst.push(await run(copies.asIs, copies.without))
    asSecond.push(await run(copies.without, copies.asIs))
  }
  copies.remove()

  const ratiosOf = (figure: string): readonly number[] =>
    // Who stands first gains by it: in the mean of both orders that is gone.
    asFirst.map((one, round) => Math.sqrt(one[`${figure}Ratio`]! / asSecond[round]![`${figure}Ratio`]!))
  const figuresOf = (figure: string): ReadonlyMap<string, Figures> => {
    const rate = median(asFirst.map((one) => one[figure]!))
    return new Map([
      [skerry, { [figure]: rate }],
      [without, { [figure]: rate / median(ratiosOf(figure)) }],
    ])
  }
  const intervalOf = (figure: string): string => {
    const sorted = ratiosOf(figure).toSorted((one, other) => one - other)
    const left = leftOutside(sorted.length)
    return `${sorted[left]!.toFixed(3)}x to ${sorted.at(-1 - left)!.toFixed(3)}x`
  }
  const goals = [{ compare: '>=', factor: 0.98, peer: without }] as const
  const unit = 'calls/CPU s'
  return [
    rowOf(figuresOf('sequential'), {
      id: 'telemetry/call-sequential',
      quantity: `local calls, nobody listens (${intervalOf('sequential')})`,
      unit,
      figure: 'sequential',
      goals,
    }),
    rowOf(figuresOf('inFlight'), {
      id: 'telemetry/call-100-in-flight',
      quantity: `the same, 100 in flight (${intervalOf('inFlight')})`,
      unit,
      figure: 'inFlight',
      goals,
    }),
  ]
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
