import { defineApp, startNode } from '@skerry/core'
import { type Contestant, contest, type Figures, finer, type Pace, slower, warmer } from './contest.ts'
import { endOf, forked } from './forked.ts'
import { inFlightRate, latencyBeside, type RoundTrip, sequentialLatency } from './load.ts'
import { startOtp } from './otp.ts'
import { connectRawEcho } from './raw-echo.ts'
import { type Goal, type Row, rowOf, type RowSpec, skerry } from './row.ts'
import { calleeKnown } from './callee-known.ts'
import { collectOnce } from './collect-once.ts'
import { type CalleeReady, meshTransport } from './rpc-mesh.ts'
import { calleeRegion, callerRegion } from './rpc-regions.ts'
import { startRpcPeers } from './rpc-peers.ts'
import { echo, upcase, zeros } from './rpc-procedures.ts'

const raw = 'raw TCP, a write a frame'
const rawCoalesced = 'raw TCP, a write a turn'
const bare = 'bare libp2p stream, a write a frame'
const bareCoalesced = 'bare libp2p stream, a write a turn'
const grpc = 'gRPC-js unary, unencrypted'
const moleculer = 'Moleculer over TCP, unencrypted'
const erpc = 'OTP erpc, unencrypted'
const idle = 'the same without them'
const erpcBesideBulk = 'OTP erpc beside results of 64 MiB'
const bulkBytes = 64 * 1024 * 1024
const spawnLink = 'OTP spawn_link and an answer, unencrypted'

/** A call by region to another process, over libp2p with Noise, beside peers over the same loopback. */
export async function rpcSuite(pace: Pace, wants: (row: string) => boolean): Promise<Row[]> {
  const rows = await rowsOfTwoProcesses(pace, wants)
  const inMemory: RowSpec = {
    id: 'rpc/memory-100-in-flight',
    quantity: 'rpc between two nodes of one thread, in memory, 100 in flight',
    unit: 'calls/s',
    figure: 'rate',
    goals: [{ compare: '>=', factor: 300_000 }],
  }
  return wants(inMemory.id) ? [...rows, rowOf(await inMemoryRate(pace), inMemory)] : rows
}

async function rowsOfTwoProcesses(pace: Pace, wants: (row: string) => boolean): Promise<Row[]> {
  if (![...latencyRows, ...rateRows, ...besideRows].some(({ id }) => wants(id))) return []
  const { child, ready } = await forked<CalleeReady>('./rpc-callee.js')
  const app = defineApp({ name: 'bench', children: [] })
  const transport = meshTransport(ready.addresses)
  const node = await startNode(app, { region: callerRegion, primaryRegion: calleeRegion, transport })
  await calleeKnown(node)
  const rawSingle = await connectRawEcho(ready.echoPorts.single, 'single')
  const rawInTurns = await connectRawEcho(ready.echoPorts.coalesced, 'coalesced')
  const peers = await startRpcPeers()
  const otp = await startOtp({ nodes: 2 })

  collectOnce()

  const ours: RoundTrip = () => node.rpcRegion(calleeRegion, upcase, 'skerr')
  const body = sizedBody(5)
  const one = (name: string, roundTrip: RoundTrip): Contestant => ({
    name,
    run: (sliceMs) => sequentialLatency(roundTrip, sliceMs),
  })
  const hundred = (name: string, roundTrip: RoundTrip): Contestant => ({
    name,
    run: (sliceMs) => inFlightRate(roundTrip, sliceMs, 100),
  })
  const latency = (): Contestant[] => [
    one(skerry, ours),
    one(bare, () => peers.echo.single.roundTrip(body)),
    one(raw, rawSingle.roundTrip),
    one(grpc, () => peers.grpc(body)),
    one(moleculer, () => peers.moleculer('skerr')),
    ...otp.contestant(erpc, 'erpc_p50'),
    ...otp.contestant(spawnLink, 'spawn_p50'),
  ]
  const small = (): Contestant[] => [
    hundred(skerry, ours),
    hundred(bareCoalesced, () => peers.echo.coalesced.roundTrip(body)),
    hundred(bare, () => peers.echo.single.roundTrip(body)),
    hundred(rawCoalesced, rawInTurns.roundTrip),
    hundred(grpc, () => peers.grpc(body)),
    hundred(moleculer, () => peers.moleculer('skerr')),
    ...otp.contestant(erpc, 'erpc_100'),
    ...otp.contestant(spawnLink, 'spawn_100'),
  ]
  const sized = (bytes: number, otpQuantity: 'erpc_100_1k' | 'erpc_100_64k') => (): Contestant[] => {
    const large = sizedBody(bytes)
    const text = 's'.repeat(bytes)
    return [
      hundred(skerry, () => node.rpcRegion(calleeRegion, echo, large)),
      hundred(bareCoalesced, () => peers.echo.coalesced.roundTrip(large)),
      hundred(grpc, () => peers.grpc(large)),
      hundred(moleculer, () => peers.moleculer(text)),
      ...otp.contestant(erpc, otpQuantity),
    ]
  }
  const large = (): Promise<unknown> => node.rpcRegion(calleeRegion, zeros, bulkBytes, { timeoutMs: 120_000 })
  const besideBulk = (): Contestant[] => [
    { name: skerry, run: (sliceMs) => latencyBeside(large, ours, sliceMs) },
    { name: idle, run: (sliceMs) => sequentialLatency(ours, sliceMs) },
    ...otp.contestant(erpcBesideBulk, 'erpc_beside_bulk'),
    ...otp.contestant(erpc, 'erpc_p50'),
  ]
  // One large result takes about half a second.
  const bulkPace = slower({ ...pace, warmUps: 1, rounds: Math.min(pace.rounds, 5) }, 10)

  const rows: Row[] = []
  /** Rows of one contest, unless none of them is wanted. */
  const measure = async (specs: readonly RowSpec[], contestants: () => Contestant[], at = pace): Promise<void> => {
    if (!specs.some(({ id }) => wants(id))) return
    const figures = await contest(contestants(), at)
    rows.push(...specs.map((spec) => rowOf(figures, spec)))
  }
  await measure(latencyRows, latency, finer(slower(pace, 3), 8))
  const [hundredInFlight, kilobyte, sixtyFour] = rateRows
  // So that a row is measured alike with and without those before it.
  await measure([hundredInFlight], small, warmer(pace))
  await measure([kilobyte], sized(1024, 'erpc_100_1k'), warmer(pace))
  await measure([sixtyFour], sized(64 * 1024, 'erpc_100_64k'), warmer(pace))
  await measure(besideRows, besideBulk, bulkPace)
  rawSingle.stop()
  rawInTurns.stop()
  otp.stop()
  await peers.stop()
  await node.stop()
  await endOf(child)
  return rows
}

const ahead = (peer: string, factor: number): Goal => ({ compare: '>=', factor, peer })
const rate = (id: string, what: string, goals: readonly Goal[]): RowSpec => ({
  id: `rpc/${id}`,
  quantity: `rpc to another process, ${what}`,
  unit: 'calls/s',
  figure: 'rate',
  goals,
})

const latencyRows: readonly RowSpec[] = [
  {
    id: 'rpc/call-p50',
    quantity: 'rpc to another process, median',
    unit: 'us',
    figure: 'p50',
    goals: [{ compare: '<=', factor: 1.3, peer: bare }],
  },
  { id: 'rpc/call-p99', quantity: 'rpc to another process, 99th percentile', unit: 'us', figure: 'p99' },
]

const rateRows = [
  rate('call-100-in-flight', '100 in flight', [
    ahead(bareCoalesced, 0.6),
    ahead(grpc, 10),
    ahead(moleculer, 1.5),
    ahead(erpc, 1),
    ahead(spawnLink, 1),
  ]),
  rate('call-100-1k', '1 KB each way, 100 in flight', [ahead(bareCoalesced, 0.7), ahead(erpc, 1)]),
  rate('call-100-64k', '64 KB each way, 100 in flight', [ahead(bareCoalesced, 0.7), ahead(erpc, 1)]),
] as const

const besideRows: readonly RowSpec[] = [
  {
    id: 'rpc/call-p99-beside-bulk',
    quantity: 'rpc beside results of 64 MiB from the same node, 99th percentile',
    unit: 'us',
    figure: 'p99',
    goals: [{ compare: '<=', factor: 5, peer: idle }],
  },
  { id: 'rpc/call-p50-beside-bulk', quantity: 'the same, median', unit: 'us', figure: 'p50' },
]

/** Two nodes of one thread, in a process of their own: beside all that is called here the compiler makes slower code of it. */
async function inMemoryRate(pace: Pace): ReturnType<typeof contest> {
  const { child, ready } = await forked<Figures>('./rpc-memory-process.js', [JSON.stringify(pace)])
  await endOf(child)
  return new Map([[skerry, ready]])
}

function sizedBody(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, 's')
}
