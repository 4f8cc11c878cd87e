import { type Contestant, contest, type Figures, finer, type Pace, slower } from './contest.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { calleeRegion } from './rpc-mesh.ts'
import { echo, upcase } from './rpc-procedures.ts'
import { type Caller, stopBoth, twoProcesses, withCpu } from './two-processes.ts'

const libp2p2 = 'the same over libp2p 2'

/** A call over libp2p 3, on main: two processes with it beside two with libp2p 2. From Node 22 on. */
export async function libp2p3Suite(pace: Pace): Promise<Row[]> {
  const newer = await twoProcesses('libp2p-3')
  const usual = await twoProcesses('main')
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
    { name: skerry, run: (sliceMs) => run(newer, sliceMs) },
    { name: libp2p2, run: (sliceMs) => run(usual, sliceMs) },
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
  for (const caller of [newer, usual]) await stopBoth(caller)
  const calls = (id: string, quantity: string) => ({
    id: `libp2p-3/${id}`,
    quantity,
    unit: 'calls/s',
    figure: 'rate' as const,
    goals: [],
  })
  return [
    rowOf(latency, {
      id: 'libp2p-3/call-p50',
      quantity: 'rpc to another process, median',
      unit: 'us',
      figure: 'p50',
    }),
    rowOf(rates, calls('call-100-in-flight', 'rpc to another process, 100 in flight')),
    rowOf(rates, {
      id: 'libp2p-3/call-cpu',
      quantity: "CPU of the caller's process, all threads, for a call",
      unit: 'us',
      figure: 'cpu',
    }),
    rowOf(largeRates, calls('call-100-64k', '64 KB each way, 100 in flight')),
  ]
}
