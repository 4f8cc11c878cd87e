import { type Contestant, contest, type Figures, finer, type Pace, slower } from './contest.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { type MeshKind } from './rpc-mesh.ts'
import { calleeRegion } from './rpc-regions.ts'
import { echo, upcase } from './rpc-procedures.ts'
import { type Caller, stopBoth, twoProcesses, withCpu } from './two-processes.ts'

/** What `thread: 'own'` of the transport costs a call: two processes with it beside two without. */
export const ownThreadSuite = (pace: Pace): Promise<Row[]> =>
  besideMain(pace, { suite: 'own-thread', kind: 'own', peer: 'the transports on main' })

/** A call over libp2p 3, on main: two processes with it beside two with libp2p 2. From Node 22 on. */
export const libp2p3Suite = (pace: Pace): Promise<Row[]> =>
  besideMain(pace, { suite: 'libp2p-3', kind: 'libp2p-3', peer: 'the same over libp2p 2' })

/** Two processes with that transport beside two with libp2p 2 on main. */
async function besideMain(
  pace: Pace,
  { suite, kind, peer }: { readonly suite: string; readonly kind: MeshKind; readonly peer: string },
): Promise<Row[]> {
  const ours = await twoProcesses(kind)
  const main = await twoProcesses('main')
  const body = Buffer.alloc(64 * 1024, 's')
  const small =
    ({ node }: Caller): RoundTrip =>
    () =>
      node.rpcRegion(calleeRegion, upcase, 'skerr')
  const large =
    ({ node }: Caller): RoundTrip =>
    () =>
      node.rpcRegion(calleeRegion, echo, body)
  const each = (run: (caller: Caller, sliceMs: number) => Promise<Figures>): Contestant[] => [
    { name: skerry, run: (sliceMs) => run(ours, sliceMs) },
    { name: peer, run: (sliceMs) => run(main, sliceMs) },
  ]
  const latency = await contest(
    each((caller, sliceMs) => sequentialLatency(small(caller), sliceMs)),
    finer(slower(pace, 2), 4),
  )
  const rates = await contest(
    each((caller, sliceMs) => withCpu(small(caller), sliceMs)),
    pace,
  )
  const largeRates = await contest(
    each((caller, sliceMs) => inFlightRate(large(caller), sliceMs, 100)),
    pace,
  )
  for (const caller of [ours, main]) await stopBoth(caller)
  const calls = (id: string, quantity: string) => ({
    id: `${suite}/${id}`,
    quantity,
    unit: 'calls/s',
    figure: 'rate' as const,
    goals: [],
  })
  return [
    rowOf(latency, {
      id: `${suite}/call-p50`,
      quantity: 'rpc to another process, median',
      unit: 'us',
      figure: 'p50',
    }),
    rowOf(rates, calls('call-100-in-flight', 'rpc to another process, 100 in flight')),
    rowOf(rates, {
      id: `${suite}/call-cpu`,
      quantity: "CPU of the caller's process, all threads, for a call",
      unit: 'us',
      figure: 'cpu',
    }),
    rowOf(largeRates, calls('call-100-64k', '64 KB each way, 100 in flight')),
  ]
}
