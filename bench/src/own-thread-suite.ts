import type { ChildProcess } from 'node:child_process'
import { defineApp, type Node, startNode } from '@skerry/core'
import { type Contestant, contest, type Figures, finer, type Pace, slower } from './contest.ts'
import { endOf, forked } from './forked.ts'
import { inFlightRate, type RoundTrip, sequentialLatency } from './load.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { type CalleeReady, calleeRegion, callerRegion, meshTransport } from './rpc-mesh.ts'
import { echo, upcase } from './rpc-procedures.ts'

const onMain = 'the transports on main'

/** What `thread: 'own'` of the transport costs a call: two processes with it beside two without. */
export async function ownThreadSuite(pace: Pace): Promise<Row[]> {
  const own = await twoProcesses('own')
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
    { name: skerry, run: (sliceMs) => run(own, sliceMs) },
    { name: onMain, run: (sliceMs) => run(main, sliceMs) },
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
  for (const { node, child } of [own, main]) {
    await node.stop()
    await endOf(child)
  }
  const calls = (id: string, quantity: string) => ({
    id: `own-thread/${id}`,
    quantity,
    unit: 'calls/s',
    figure: 'rate' as const,
    goals: [],
  })
  return [
    rowOf(latency, {
      id: 'own-thread/call-p50',
      quantity: 'rpc to another process, median',
      unit: 'us',
      figure: 'p50',
    }),
    rowOf(rates, calls('call-100-in-flight', 'rpc to another process, 100 in flight')),
    rowOf(rates, {
      id: 'own-thread/call-cpu',
      quantity: "CPU of the caller's process, all threads, for a call",
      unit: 'us',
      figure: 'cpu',
    }),
    rowOf(largeRates, calls('call-100-64k', '64 KB each way, 100 in flight')),
  ]
}

interface Caller {
  readonly node: Node
  readonly child: ChildProcess
}

async function twoProcesses(thread: 'main' | 'own'): Promise<Caller> {
  const { child, ready } = await forked<CalleeReady>('./rpc-callee.js', [thread])
  const app = defineApp({ name: 'bench', children: [] })
  const transport = meshTransport(ready.addresses, thread)
  const node = await startNode(app, { region: callerRegion, primaryRegion: calleeRegion, transport })
  const isKnown = (): boolean => node.regionNodes(calleeRegion).some((id) => node.isRpcSupported(id, upcase))
  await node.waitFor(isKnown, 'the callee and its procedure')
  return { node, child }
}

async function withCpu(roundTrip: RoundTrip, sliceMs: number): Promise<Figures> {
  let calls = 0
  const before = process.cpuUsage()
  const figures = await inFlightRate(
    async () => {
      calls += 1
      await roundTrip()
    },
    sliceMs,
    100,
  )
  const { user, system } = process.cpuUsage(before)
  return { ...figures, cpu: (user + system) / calls }
}
