import type { Worker } from 'node:worker_threads'
import { defineApp, startNode } from '@skerry/core'
import { openBarePort } from './bare-port.ts'
import { contest, finer, type Pace, slower } from './contest.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { type BarePortOffer, threadedCounter } from './threaded-counter.ts'

const bare = 'bare MessagePort'
const bareBatch = 'the same, 100 in one message'

/** A call to an actor on a thread of its own, beside a bare MessagePort to the same thread. */
export async function threadsSuite(pace: Pace): Promise<Row[]> {
  const node = await startNode(defineApp({ name: 'bench', children: [] }))
  const offered = nextWorkersOffer()
  const pid = await node.start(threadedCounter, [0], { thread: 'own' })
  const port = openBarePort((await offered).barePort)

  const ours: RoundTrip = () => node.call(pid, 'add', [1])
  const bareCall: RoundTrip = () => port.call(1)

  const latency = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialLatency(ours, sliceMs) },
      { name: bare, run: (sliceMs) => sequentialLatency(bareCall, sliceMs) },
    ],
    finer(slower(pace, 2), 8),
  )
  const inFlight = await contest(
    [
      { name: skerry, run: (sliceMs) => inFlightRate(ours, sliceMs, 100) },
      { name: bare, run: (sliceMs) => inFlightRate(bareCall, sliceMs, 100) },
      {
        name: bareBatch,
        run: async (sliceMs) => {
          const { rate } = await inFlightRate(() => port.callMany(1, 100), sliceMs, 1)
          return { rate: rate! * 100 }
        },
      },
    ],
    pace,
  )
  port.close()
  await node.stop()

  return [
    rowOf(latency, {
      id: 'threads/call-p50',
      quantity: 'call to another thread, median',
      unit: 'us',
      figure: 'p50',
      goals: [{ compare: '<=', factor: 1.25, peer: bare }],
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

/** What the thread that is started next offers. The node keeps its Worker to itself; Node tells of every one. */
function nextWorkersOffer(): Promise<BarePortOffer> {
  return new Promise((resolve) => {
    process.once('worker', (worker: Worker) => {
      worker.once('message', (offer: BarePortOffer) => resolve(offer))
    })
  })
}
