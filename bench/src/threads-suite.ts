import { defineApp, startNode } from '@skerry/core'
import { startBarePort } from './bare-port.ts'
import { contest, type Pace, slower } from './contest.ts'
import { counter } from './counter.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'

const bare = 'bare MessagePort'
const bareBatch = 'the same, 100 in one message'

/** A call to an actor on a thread of its own, beside a bare MessagePort to another thread of the same process. */
export async function threadsSuite(pace: Pace): Promise<Row[]> {
  const node = await startNode(defineApp({ name: 'bench', children: [] }))
  const pid = await node.start(counter, [0], { thread: 'own' })
  const port = await startBarePort()

  const ours: RoundTrip = () => node.call(pid, 'add', [1])
  const bareCall: RoundTrip = () => port.call(1)

  const latency = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialLatency(sliceMs, ours) },
      { name: bare, run: (sliceMs) => sequentialLatency(sliceMs, bareCall) },
    ],
    slower(pace, 2),
  )
  const inFlight = await contest(
    [
      { name: skerry, run: (sliceMs) => inFlightRate(sliceMs, 100, ours) },
      { name: bare, run: (sliceMs) => inFlightRate(sliceMs, 100, bareCall) },
      {
        name: bareBatch,
        run: async (sliceMs) => {
          const { rate } = await inFlightRate(sliceMs, 1, () => port.callMany(1, 100))
          return { rate: rate! * 100 }
        },
      },
    ],
    pace,
  )
  await port.stop()
  await node.stop()

  const goal = { compare: '<=', factor: 1.25, peer: bare } as const
  return [
    rowOf(latency, {
      id: 'threads/call-p50',
      quantity: 'call to another thread, median',
      unit: 'us',
      figure: 'p50',
      goal,
    }),
    rowOf(latency, {
      id: 'threads/call-p99',
      quantity: 'call to another thread, 99th percentile',
      unit: 'us',
      figure: 'p99',
    }),
    rowOf(inFlight, {
      id: 'threads/call-100-in-flight',
      quantity: 'calls to another thread, 100 in flight',
      unit: 'calls/s',
      figure: 'rate',
    }),
  ]
}
