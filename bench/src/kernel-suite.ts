import { defineApp, startNode } from '@skerry/core'
import { BareMailbox } from './bare-mailbox.ts'
import { contest, type Pace } from './contest.ts'
import { counter } from './counter.ts'
import { inFlightRate, type RoundTrip, sequentialLatency, sequentialRate } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'

const bare = 'bare promise mailbox'
const withTimer = 'the same with a timer a call'

/** A call to an actor of the same thread. Ours has a time-out, the bare mailbox has none. */
export async function kernelSuite(pace: Pace): Promise<Row[]> {
  const node = await startNode(defineApp({ name: 'bench', children: [] }))
  const pid = await node.start(counter, [0])
  let sum = 0
  const mailbox = new BareMailbox((by) => (sum += by))

  const ours: RoundTrip = () => node.call(pid, 'add', [1])
  const bareCall: RoundTrip = () => mailbox.call(1)
  const bareCallWithTimer: RoundTrip = () => mailbox.callWithTimer(1, 5_000)

  const sequential = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialRate(sliceMs, ours) },
      { name: bare, run: (sliceMs) => sequentialRate(sliceMs, bareCall) },
      { name: withTimer, run: (sliceMs) => sequentialRate(sliceMs, bareCallWithTimer) },
    ],
    pace,
  )
  const inFlight = await contest(
    [
      { name: skerry, run: (sliceMs) => inFlightRate(sliceMs, 100, ours) },
      { name: bare, run: (sliceMs) => inFlightRate(sliceMs, 100, bareCall) },
    ],
    pace,
  )
  const latency = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialLatency(sliceMs, ours) },
      { name: bare, run: (sliceMs) => sequentialLatency(sliceMs, bareCall) },
    ],
    pace,
  )
  await node.stop()

  const goal = { compare: '>=', factor: 0.6, peer: bare } as const
  return [
    rowOf(sequential, {
      id: 'kernel/call-sequential',
      quantity: 'local calls, one after another',
      unit: 'calls/s',
      figure: 'rate',
      goal,
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
