import { type Contestant, contest, type Figures, type Pace } from './contest.ts'
import { copyCore } from './core-copies.ts'
import { forked } from './forked.ts'
import { type Row, rowOf, skerry } from './row.ts'

const without = 'the same without the checks'

/** What telemetry costs a local call while nobody listens. */
export async function telemetrySuite(pace: Pace): Promise<Row[]> {
  const copies = copyCore()
  const contestant = (name: string, index: string): Contestant => ({
    name,
    run: async (sliceMs) => (await forked<Figures>('local-calls-process.js', [index, String(sliceMs)])).ready,
  })
  const figures = await contest([contestant(skerry, copies.asIs), contestant(without, copies.without)], {
    ...pace,
    warmUps: 1,
    sliceMs: pace.sliceMs / 2,
  })
  copies.remove()
  const goals = [{ compare: '>=', factor: 0.98, peer: without }] as const
  const unit = 'calls/CPU s'
  return [
    rowOf(figures, {
      id: 'telemetry/call-sequential',
      quantity: 'local calls, nobody listens',
      unit,
      figure: 'sequential',
      goals,
    }),
    rowOf(figures, {
      id: 'telemetry/call-100-in-flight',
      quantity: 'the same, 100 in flight',
      unit,
      figure: 'inFlight',
      goals,
    }),
  ]
}
