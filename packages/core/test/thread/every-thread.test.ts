import { defineApp, memoryTransport, type Pid, type Placement, silentLog, startNode } from '@skerry/core'
import { expect, it } from 'vitest'
import { downMessage, startPuppet } from '../fixtures/puppet.ts'
import { worker } from '../fixtures/thread-actors.mjs'
import { add, caller, stickChecked, stickOnOwn, stickOnPool } from '../fixtures/thread-procedures.mjs'
import { newMeshName } from '../rpc/two-nodes.ts'

it('[thread] [node] actors on every kind of thread read the regions and call one by its name', async () => {
  const transport = memoryTransport({ hub: newMeshName() })
  const start = (region: string) =>
    startNode(defineApp({ name: 'everywhere', children: [], procedures: [add] }), { log: silentLog, region, transport })
  const [near, far] = [await start('syd'), await start('lax')]
  await near.waitFor(() => near.isRpcSupported(far.id, add), 'the procedure of the other region')
  for (const thread of ['main', 'pool', 'own', { pool: 'key' }] as const satisfies Placement[]) {
    const pid = await near.start(caller, [], { thread })
    await expect.poll(() => near.call(pid, 'regions', [])).toEqual(['lax', 'syd'])
    for (const region of ['lax', 'syd']) expect(await near.call(pid, 'add', [region, 2, 3])).toBe(5)
    await expect(near.call(pid, 'add', ['fra', 2, 3])).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED' })
  }
  await Promise.all([near.stop(), far.stop()])
})

it.each([
  ['own', 'spin'],
  ['own', 'wait'],
  ['own', 'backtrack'],
  ['pool', 'spin'],
  ['pool', 'wait'],
  ['pool', 'backtrack'],
  ['pool, behind a schema,', 'spin'],
] as const)('[thread] a procedure on %s that never yields, in "%s", is killed at its deadline', async (thread, how) => {
  const procedure = thread === 'own' ? stickOnOwn : thread === 'pool' ? stickOnPool : stickChecked
  const app = defineApp({ name: 'stuck', children: [], procedures: [procedure] })
  // A stuck thread is not found by its silence here: only by the deadline.
  const threadPool = { size: 1, blockedMs: 3_600_000 }
  const node = await startNode(app, { log: silentLog, region: 'syd', threadPool })
  await node.waitFor(() => node.isRpcSupported(node.id, procedure), 'its own procedure')
  // The thread of the pool is up and has the code, so that the deadline finds it stuck and not about to start.
  const first = await node.start(worker, [{}], { thread: 'pool' })
  await node.rpcRegion('syd', procedure, { how: 'not' }, { timeoutMs: 60_000 })
  const threads = async () => (await node.threads()).map((one) => one.thread)
  const idle = (await node.threads())[0]?.stats?.actors
  await expect(node.rpcRegion('syd', procedure, { how }, { timeoutMs: 500 })).rejects.toMatchObject({
    code: 'ERR_RPC_TIMEOUT',
    outcome: 'unknown',
  })
  // The stuck thread and what stood for the call are gone.
  const left = thread === 'own' ? [0, first.thread] : [0]
  await expect.poll(threads, { timeout: 10_000 }).toEqual(left)
  expect((await node.threads())[0]?.stats?.actors).toBe(idle)
  const next = await node.start(worker, [{}], { thread: 'pool' })
  expect(await node.call(next, 'add', [1])).toBe(1)
  await node.stop()
})

it('[thread] [node] all that a lost thread had posted is read before its loss, on every thread and node', async () => {
  const transport = memoryTransport({ hub: newMeshName() })
  const start = (region: string) =>
    startNode(defineApp({ name: 'losses', children: [] }), {
      log: silentLog,
      region,
      transport,
      threadPool: { size: 2 },
      // Pids are handed over here by the test and not by the nodes.
      remoteSignals: 'members',
    })
  const [node, other] = [await start('syd'), await start('lax')]
  await node.waitFor(() => node.regionOf(other.id) !== undefined, 'the other node')
  const count = 300
  const numbers = Array.from({ length: count }, (_, index) => index)
  for (const victimOn of ['own', 'pool'] as const) {
    const [onMain, onFar, ofPool, ofOwn] = [
      await startPuppet(node),
      await startPuppet(other),
      await startPuppet(node),
      await startPuppet(node),
    ]
    const bad = await node.start(worker, [{}], { thread: victimOn })
    const gates = [new SharedArrayBuffer(8), new SharedArrayBuffer(8)] as const
    const words = gates.map((gate) => new Int32Array(gate))
    const watchers = [
      await node.start(worker, [{ reportTo: ofPool.pid, gate: gates[0] }], { thread: 'pool' }),
      await node.start(worker, [{ reportTo: ofOwn.pid, gate: gates[1] }], { thread: 'own' }),
    ]
    expect(watchers.map((watcher) => watcher.thread)).not.toContain(bad.thread)
    for (const reader of [ofPool, ofOwn]) await reader.next()
    const monitors = [
      await onMain.do((ctx) => ctx.monitor(bad)),
      await onFar.do((ctx) => ctx.monitor(bad)),
      await node.call(watchers[0] as (typeof watchers)[number], 'monitor', [bad]),
      await node.call(watchers[1] as (typeof watchers)[number], 'monitor', [bad]),
    ]
    // Behind the monitors, so that they have arrived.
    await onFar.do((ctx) => ctx.call(bad, 'add', [1]))
    for (const watcher of watchers) await node.call(watcher, 'callOther', [bad, 1])
    const targets: Pid[] = [onMain.pid, onFar.pid, ...watchers]
    // They read nothing until main has said that the thread is lost: then both are there, on two ports.
    for (const watcher of watchers) node.cast(watcher, 'hold', [])
    await expect.poll(() => words.map((two) => Atomics.load(two, 1))).toEqual([1, 1])
    node.call(bad, 'sendNumbersAndExit', [targets, count]).catch(() => undefined)
    for (const [index, reader] of [onMain, onFar, ofPool, ofOwn].entries()) {
      if (index === 2) {
        for (const two of words) {
          Atomics.store(two, 0, 1)
          Atomics.notify(two, 0)
        }
      }
      expect(await Promise.all(numbers.map(() => reader.next()))).toEqual(numbers)
      expect(await reader.next()).toEqual(downMessage(monitors[index] as (typeof monitors)[number], 'threadlost'))
    }
  }
  await Promise.all([node.stop(), other.stop()])
})
