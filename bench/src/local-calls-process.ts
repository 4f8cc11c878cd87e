import type * as Core from '@skerry/core'
import { type Figures, quantile } from './contest.ts'
import { inFlightRate, type RoundTrip, sequentialRate } from './load.ts'

// A process of its own, forked by the suite for each copy of core in turn: the compiler decides once in a process how it
// compiles, and the second copy in one would not be decided on as the first.
const [index, sliceMs] = process.argv.slice(2)
const { actor, defineApp, genServer, startNode } = (await import(index!)) as typeof Core

const counter = genServer({
  name: 'counter',
  init: (_ctx, start: number) => ({ count: start }),
  call: { add: (ctx, by: number) => (ctx.state.count += by) },
})
const node = await startNode(defineApp({ name: 'bench', children: [] }))
const ctx = await new Promise<Core.BareContext>((resolve) => {
  const run = (own: Core.BareContext): Promise<void> => {
    resolve(own)
    return new Promise(() => undefined)
  }
  void node.start(actor({ name: 'driver', run }), [])
})
const pid = await node.start(counter, [0])
const call: RoundTrip = () => ctx.call(pid, 'add', [1])
const sequential = await perCpuSecond((ms) => sequentialRate(call, ms))
const inFlight = await perCpuSecond((ms) => inFlightRate(call, ms, 100))
process.send?.({ sequential, inFlight } satisfies Figures)
process.disconnect?.()
await node.stop()

/** The median of nine slices, after three. By CPU time, in which others that run here do not count. */
async function perCpuSecond(measure: (sliceMs: number) => Promise<Figures>): Promise<number> {
  const rates: number[] = []
  for (let slice = -3; slice < 9; slice += 1) {
    const before = process.cpuUsage()
    const started = performance.now()
    const { rate } = await measure(Number(sliceMs))
    const wallMs = performance.now() - started
    const { user, system } = process.cpuUsage(before)
    if (slice >= 0) rates.push((rate! * wallMs * 1_000) / (user + system))
  }
  return quantile(Float64Array.from(rates), 0.5)
}
