import { defineApp, memoryTransport, startNode } from '@skerry/core'
import { calleeKnown } from './callee-known.ts'
import { contest, type Pace, warmer } from './contest.ts'
import { inFlightRate, type RoundTrip } from './load.ts'
import { calleeRegion, callerRegion } from './rpc-regions.ts'
import { upcase } from './rpc-procedures.ts'

// A process of its own, forked by the suite. Both ends share one thread here, so this is what a call costs on both together, without
// a network.
const pace = JSON.parse(process.argv[2]!) as Pace
const hub = 'bench'
const callee = await startNode(defineApp({ name: 'bench', children: [], procedures: [upcase] }), {
  region: calleeRegion,
  primaryRegion: calleeRegion,
  transport: memoryTransport({ hub }),
})
const caller = await startNode(defineApp({ name: 'bench', children: [] }), {
  region: callerRegion,
  primaryRegion: calleeRegion,
  transport: memoryTransport({ hub, seeds: [callee.id] }),
})
await calleeKnown(caller)
const ours: RoundTrip = () => caller.rpcRegion(calleeRegion, upcase, 'skerr')
const rates = await contest([{ name: 'ours', run: (sliceMs) => inFlightRate(ours, sliceMs, 100) }], warmer(pace))
process.once('disconnect', () => void Promise.all([caller.stop(), callee.stop()]))
process.send?.(rates.get('ours'))
