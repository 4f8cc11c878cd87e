import type { ChildProcess } from 'node:child_process'
import { defineApp, type Node, startNode } from '@skerry/core'
import type { Figures } from './contest.ts'
import { endOf, forked } from './forked.ts'
import { inFlightRate, type RoundTrip } from './load.ts'
import { type CalleeReady, type MeshKind, meshTransport } from './rpc-mesh.ts'
import { calleeRegion, callerRegion } from './rpc-regions.ts'
import { upcase } from './rpc-procedures.ts'

/** A node here, and the process of the one that it calls. */
export interface Caller {
  readonly node: Node
  readonly child: ChildProcess
}

export async function twoProcesses(kind: MeshKind): Promise<Caller> {
  const { child, ready } = await forked<CalleeReady>('./rpc-callee.js', [kind])
  const app = defineApp({ name: 'bench', children: [] })
  const transport = meshTransport(ready.addresses, kind)
  const node = await startNode(app, { region: callerRegion, primaryRegion: calleeRegion, transport })
  const isKnown = (): boolean => node.regionNodes(calleeRegion).some((id) => node.isRpcSupported(id, upcase))
  await node.waitFor(isKnown, 'the callee and its procedure')
  return { node, child }
}

/** With the CPU time of this process, all threads of it, for a call. */
export async function withCpu(roundTrip: RoundTrip, sliceMs: number): Promise<Figures> {
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

export async function stopBoth({ node, child }: Caller): Promise<void> {
  await node.stop()
  await endOf(child)
}
