import type { Worker } from 'node:worker_threads'
import { defineApp, silentLog, startNode } from '@skerry/core'
import { openBarePort } from './bare-port.ts'
import { burner } from './burner.ts'
import { contest, type Figures, finer, fullPace, type Pace, slower } from './contest.ts'
import { killFigures } from './kills.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { openPiscina, openTinypool } from './pools.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { type BarePortOffer, threadedCounter } from './threaded-counter.ts'

const bare = 'bare MessagePort'
const bareBatch = 'the same, 100 in one message'
const piscina = 'piscina'
const tinypool = 'tinypool'
const oneThread = 'on 1 thread'

/**
 * Actors on threads of their own: calls beside a bare MessagePort to the same thread and beside pools of one thread, the
 * kill of one that never yields, and the work of two beside one's.
 */
export async function threadsSuite(pace: Pace): Promise<Row[]> {
  const node = await startNode(defineApp({ name: 'bench', children: [] }), { log: silentLog })
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
  const pools = { [piscina]: await openPiscina(), [tinypool]: await openTinypool() }
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
      ...Object.entries(pools).map(([name, pool]) => ({
        name,
        run: (sliceMs: number) => inFlightRate(() => pool.run(1, { name: 'add' }), sliceMs, 100),
      })),
    ],
    pace,
  )
  for (const pool of Object.values(pools)) await pool.destroy()
  port.close()
  const kills = await killFigures(node, pace.sliceMs < fullPace.sliceMs ? 3 : 100, { piscina, tinypool })
  const burners = [await node.start(burner, [], { thread: 'own' }), await node.start(burner, [], { thread: 'own' })]
  const burn = (threads: number, sliceMs: number): Promise<Figures> =>
    workRate(
      burners.slice(0, threads).map((one) => () => node.call(one, 'burn', [stepsOfWork])),
      sliceMs,
    )
  const scaling = await contest(
    [
      { name: skerry, run: (sliceMs) => burn(2, sliceMs) },
      { name: oneThread, run: (sliceMs) => burn(1, sliceMs) },
    ],
    pace,
  )
  await node.stop()

  return [
    rowOf(latency, {
      id: 'kernel/thread-call-p50',
      quantity: 'call to another thread, median',
      unit: 'us',
      figure: 'p50',
      goals: [{ compare: '<=', factor: 1.25, peer: bare }],
    }),
    rowOf(latency, {
      id: 'kernel/thread-call-p99',
      quantity: 'call to another thread, 99th percentile',
      unit: 'us',
      figure: 'p99',
    }),
    rowOf(inFlight, {
      id: 'kernel/thread-call-100-in-flight',
      quantity: 'calls to another thread, 100 in flight',
      unit: 'calls/s',
      figure: 'rate',
      goals: [
        { compare: '>=', factor: 0.7, peer: bareBatch },
        { compare: '>=', factor: 10, peer: piscina },
        { compare: '>=', factor: 10, peer: tinypool },
      ],
    }),
    rowOf(kills, {
      id: 'kernel/kill-p50',
      quantity: 'kill of while (true) to its successor, median',
      unit: 'ms',
      figure: 'p50',
      goals: [{ compare: '<=', factor: 0.5, peer: piscina }],
    }),
    rowOf(kills, {
      id: 'kernel/kill-p99',
      quantity: 'kill of while (true), 99th percentile',
      unit: 'ms',
      figure: 'p99',
      goals: [{ compare: '<=', factor: 100 }],
    }),
    rowOf(scaling, {
      id: 'kernel/scaling',
      quantity: 'work of CPU-bound actors on 2 threads',
      unit: 'calls/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 1.7, peer: oneThread }],
    }),
  ]
}

// About 2 ms of a CPU.
const stepsOfWork = 2_000_000

/** Each line one piece of work after another: the pieces of all lines a second. */
async function workRate(lines: readonly RoundTrip[], sliceMs: number): Promise<Figures> {
  const started = performance.now()
  let done = 0
  const line = async (work: RoundTrip): Promise<void> => {
    while (performance.now() - started < sliceMs) {
      await work()
      done += 1
    }
  }
  await Promise.all(lines.map(line))
  return { rate: (done * 1000) / (performance.now() - started) }
}

/** What the thread that is started next offers. The node keeps its Worker to itself; Node tells of every one. */
function nextWorkersOffer(): Promise<BarePortOffer> {
  return new Promise((resolve) => {
    process.once('worker', (worker: Worker) => {
      worker.once('message', (offer: BarePortOffer) => resolve(offer))
    })
  })
}
