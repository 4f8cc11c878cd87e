import { type Figures, type Pace, quantile } from './contest.ts'
import { copyCore } from './core-copies.ts'
import { forked } from './forked.ts'
import { type Row, rowOf, skerry } from './row.ts'

const without = 'the same without the checks'

/** What telemetry costs a local call while nobody listens. */
export async function telemetrySuite(pace: Pace): Promise<Row[]> {
  const copies = copyCore()
  const run = async (first: string, second: string): Promise<Figures> =>
    (await forked<Figures>('local-calls-process.js', [first, second, String(pace.sliceMs / 8)])).ready
  const asFirst: Figures[] = []
  const asSecond: Figures[] = []
  for (let round = 0; round < pace.rounds; round += 1) {
    asFirst.push(await run(copies.asIs, copies.without))
    asSecond.push(await run(copies.without, copies.asIs))
  }
  copies.remove()

  const figuresOf = (figure: string): ReadonlyMap<string, Figures> => {
    const rate = median(asFirst.map((one) => one[figure]!))
    const [first, second] = [asFirst, asSecond].map((all) => median(all.map((one) => one[`${figure}Ratio`]!)))
    // Who stands first gains by it: in the mean of both orders that is gone.
    const ratio = Math.sqrt(first! / second!)
    return new Map([
      [skerry, { [figure]: rate }],
      [without, { [figure]: rate / ratio }],
    ])
  }
  const goals = [{ compare: '>=', factor: 0.98, peer: without }] as const
  const unit = 'calls/CPU s'
  return [
    rowOf(figuresOf('sequential'), {
      id: 'telemetry/call-sequential',
      quantity: 'local calls, nobody listens',
      unit,
      figure: 'sequential',
      goals,
    }),
    rowOf(figuresOf('inFlight'), {
      id: 'telemetry/call-100-in-flight',
      quantity: 'the same, 100 in flight',
      unit,
      figure: 'inFlight',
      goals,
    }),
  ]
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values), 0.5)
}
