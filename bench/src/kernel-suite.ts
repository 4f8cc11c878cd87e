import { defineApp, startNode } from '@skerry/core'
import { BareMailbox, byMicrotask, byPromise, type Schedule } from './bare-mailbox.ts'
import { type Contestant, contest, type Figures, type Pace } from './contest.ts'
import { counter } from './counter.ts'
import { inFlightRate, type RoundTrip, sequentialLatency, sequentialRate } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'

const bare = 'bare promise mailbox'
const bareMicrotask = 'the same by queueMicrotask'
const bareTimer = 'the same with a timer a call'

/** A call to an actor of the same thread. Ours has a time-out, the bare mailbox has none. */
export async function kernelSuite(pace: Pace): Promise<Row[]> {
  const node = await startNode(defineApp({ name: 'bench', children: [] }))
  const pid = await node.start(counter, [0])
  const timed = bareCounter(byPromise)
  const calls: Readonly<Record<string, RoundTrip>> = {
    [skerry]: () => node.call(pid, 'add', [1]),
    [bare]: bareCall(byPromise),
    [bareMicrotask]: bareCall(byMicrotask),
    [bareTimer]: () => timed.callWithTimer(1, 5_000),
  }
  const each = (names: readonly string[], measure: (roundTrip: RoundTrip, sliceMs: number) => Promise<Figures>) =>
    names.map((name): Contestant => ({ name, run: (sliceMs) => measure(calls[name]!, sliceMs) }))

  const untimed = [skerry, bare, bareMicrotask]
  const sequential = await contest(each([...untimed, bareTimer], sequentialRate), pace)
  const inFlight = await contest(each(untimed, inFlightRate100), pace)
  const latency = await contest(each([skerry, bare], sequentialLatency), pace)
  await node.stop()

  return [
    rowOf(sequential, {
      id: 'kernel/call-sequential',
      quantity: 'local calls, one after another',
      unit: 'calls/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 0.6, peer: bare }],
    }),
    rowOf(inFlight, {
      id: 'kernel/call-100-in-flight',
      quantity: 'local calls, 100 in flight',
      unit: 'calls/s',
      figure: 'rate',
    }),
    rowOf(latency, { id: 'kernel/call-p50', quantity: 'local call, median', unit: 'us', figure: 'p50' }),
    rowOf(latency, { id: 'kernel/call-p99', quantity: 'local call, 99th percentile', unit: 'us', figure: 'p99' }),
  ]
}

function bareCall(schedule: Schedule): RoundTrip {
  const mailbox = bareCounter(schedule)
  return () => mailbox.call(1)
}

function bareCounter(schedule: Schedule): BareMailbox {
  let count = 0
  return new BareMailbox((by) => (count += by), schedule)
}

const inFlightRate100 = (roundTrip: RoundTrip, sliceMs: number): Promise<Figures> =>
  inFlightRate(roundTrip, sliceMs, 100)
