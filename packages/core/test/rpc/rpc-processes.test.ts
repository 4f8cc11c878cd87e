import { manualPlatform } from '@skerry/testing'
import { procedure } from '@skerry/core'
import { expect, it } from 'vitest'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { InboundCall, ProcedureLoad } from '../../src/rpc/inbound-call.ts'
import { InboundCalls } from '../../src/rpc/inbound-calls.ts'
import { loadLimitsDefault } from '../../src/rpc/load-limits.ts'
import { rpcProcesses } from '../../src/rpc/rpc-processes.ts'

it('[thread] a process that loses its supervisor is told so, and killed with its thread if it has not ended by 100 ms', async () => {
  const platform = manualPlatform()
  const kernel = new Kernel({ node: 'me', life: 1, thread: 0, platform, codec: msgpackCodec() })
  const inbound = new InboundCalls(loadLimitsDefault, platform.clock)
  const sent: Signal[] = []
  const there = { node: 'me', life: 1, thread: 5, serial: 1 }
  kernel.away = { route: (signal) => void sent.push(signal) }
  kernel.threads = { start: () => ({ pid: there, started: Promise.resolve() }) }
  inbound.on = { begins: (call) => inbound.processes?.start(call), refused() {} }
  const supervisor = kernel.spawn(rpcProcesses(kernel, inbound), [])
  await platform.settle()

  const offered = procedure({ name: 'p', module: import.meta, thread: 'own', run: () => 1 })
  const served = { procedure: offered, load: new ProcedureLoad(offered.limits) }
  const caller = { node: 'a', life: 1, thread: 0, serial: 3 }
  const request = { procedure: 'p', version: 1, timeLeftMs: 60_000, idempotencyKey: undefined, callerRegion: 'syd' }
  const to = { node: 'me', life: 1, thread: 0, serial: 0 }
  inbound.arrive(
    new InboundCall({ type: 'spawn', from: caller, to, request: { ...request, input: 1 } }, served, 0, () => undefined),
  )
  supervisor.exit('killed')
  const exits = (): unknown[] =>
    sent.splice(0).map((signal) => signal.type === 'exit' && [signal.to.thread, signal.reason, signal.viaLink])
  expect(exits()).toEqual([
    [0, 'killed', true],
    [5, 'killed', false],
  ])
  await platform.advance(99)
  expect(exits()).toEqual([])
  await platform.advance(1)
  expect(exits()).toEqual([[5, 'kill', false]])
})
