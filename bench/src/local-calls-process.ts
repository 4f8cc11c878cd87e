import { type Figures, quantile } from './contest.ts'
import { inFlightRate, type RoundTrip, sequentialRate } from './load.ts'
import { startLocalCaller } from './local-caller.ts'

// A process of its own, forked by the suite: two copies of core, by the addresses of their index, take short turns. Which of
// them the compiler meets first matters more than what is measured, so the suite has each be the first in turn.
const [first, second, sliceMs] = process.argv.slice(2)
// Slices of a few milliseconds: what else the machine does meets both of a pair.
const pairs = 60
const warmUps = 15
const [one, other] = [await startLocalCaller(first!), await startLocalCaller(second!)]
const sequential = await compare((call, ms) => sequentialRate(call, ms))
const inFlight = await compare((call, ms) => inFlightRate(call, ms, 100))
process.send?.({
  sequential: sequential.rate,
  sequentialRatio: sequential.ratio,
  inFlight: inFlight.rate,
  inFlightRatio: inFlight.ratio,
} satisfies Figures)
process.disconnect?.()
await one.node.stop()
await other.node.stop()

/**
 * The first one's rate, and how many times the second one's that is: the median over pairs of pairs, in each of which the two work in the
 * order A B B A, so that what gets slower or faster meanwhile is in both.
 */
async function compare(
  measure: (call: RoundTrip, sliceMs: number) => Promise<Figures>,
): Promise<{ rate: number; ratio: number }> {
  const rates: number[] = []
  const ratios: number[] = []
  const of = ({ call }: typeof one): Promise<number> => perCpuSecond(() => measure(call, Number(sliceMs)))
  for (let pair = -warmUps; pair < pairs; pair += 1) {
    const [rate, its, itsAgain, again] = [await of(one), await of(other), await of(other), await of(one)]
    if (pair < 0) continue
    rates.push(rate, again)
    ratios.push((rate + again) / (its + itsAgain))
  }
  return { rate: median(rates), ratio: median(ratios) }
}

/** By CPU time, in which others that run here do not count. */
async function perCpuSecond(measure: () => Promise<Figures>): Promise<number> {
  const before = process.cpuUsage()
  const started = performance.now()
  const { rate } = await measure()
  const wallMs = performance.now() - started
  const { user, system } = process.cpuUsage(before)
  return (rate! * wallMs * 1_000) / (user + system)
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values), 0.5)
}
