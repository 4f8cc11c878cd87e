import { type ChildProcess, fork } from 'node:child_process'
import { defineApp, startNode } from '@skerry/core'
import { contest, finer, type Pace, slower } from './contest.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { connectRawEcho } from './raw-echo.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { type CalleeReady, calleeRegion, callerRegion, meshTransport } from './rpc-mesh.ts'
import { upcase } from './upcase.ts'

const raw = 'raw TCP, a write a frame'
const rawCoalesced = 'raw TCP, a write a turn'

/** A call by region to another process, over libp2p with Noise, beside raw TCP between the same two processes. */
export async function rpcSuite(pace: Pace): Promise<Row[]> {
  const { child, ready } = await forkCallee()
  const app = defineApp({ name: 'bench', children: [] })
  const transport = meshTransport(ready.addresses)
  const node = await startNode(app, { region: callerRegion, primaryRegion: calleeRegion, transport })
  await node.waitFor(() => calleeOffers(), 'the callee and its procedure')
  const single = await connectRawEcho(ready.echoPorts.single, 'single')
  const coalesced = await connectRawEcho(ready.echoPorts.coalesced, 'coalesced')

  const ours: RoundTrip = () => node.rpcRegion(calleeRegion, upcase, 'skerr')

  const latency = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialLatency(ours, sliceMs) },
      { name: raw, run: (sliceMs) => sequentialLatency(single.roundTrip, sliceMs) },
    ],
    finer(slower(pace, 3), 8),
  )
  const inFlight = await contest(
    [
      { name: skerry, run: (sliceMs) => inFlightRate(ours, sliceMs, 100) },
      { name: raw, run: (sliceMs) => inFlightRate(single.roundTrip, sliceMs, 100) },
      { name: rawCoalesced, run: (sliceMs) => inFlightRate(coalesced.roundTrip, sliceMs, 100) },
    ],
    slower(pace, 2),
  )
  single.stop()
  coalesced.stop()
  await node.stop()
  await endOf(child)

  return [
    rowOf(latency, { id: 'rpc/call-p50', quantity: 'rpc to another process, median', unit: 'us', figure: 'p50' }),
    rowOf(latency, {
      id: 'rpc/call-p99',
      quantity: 'rpc to another process, 99th percentile',
      unit: 'us',
      figure: 'p99',
    }),
    rowOf(inFlight, {
      id: 'rpc/call-100-in-flight',
      quantity: 'rpc to another process, 100 in flight',
      unit: 'calls/s',
      figure: 'rate',
    }),
  ]

  function calleeOffers(): boolean {
    return node.regionNodes(calleeRegion).some((id) => node.isRpcSupported(id, upcase))
  }
}

function forkCallee(): Promise<{ child: ChildProcess; ready: CalleeReady }> {
  const child = fork(new URL('./rpc-callee.js', import.meta.url))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the callee's process ended with ${code} before it was ready`)))
    child.once('message', (ready) => resolve({ child, ready: ready as CalleeReady }))
  })
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.disconnect()
  })
}
