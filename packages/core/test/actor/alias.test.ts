import { defineApp, type Node, type Pid, startNode } from '@skerry/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { downMessage, startPuppet } from '../fixtures/puppet.ts'
import { worker } from '../fixtures/thread-actors.mjs'
import { quiet } from '../rpc/two-nodes.ts'

let node: Node
beforeEach(async () => {
  node = await startNode(defineApp({ name: 'aliases', children: [] }), quiet({ region: 'syd' }))
})
afterEach(() => node.stop())

it('L15 [local]: an alias is an address until it is released; what is queued stays, later ones are dropped', async () => {
  const [asker, other] = [await startPuppet(node), await startPuppet(node)]
  const alias = await asker.do((ctx) => ctx.alias())
  await other.do((ctx) => ctx.send(alias.pid, 'first'))
  await asker.do(async (ctx) => {
    // Queued while this handler runs.
    ctx.send(alias.pid, 'second')
    alias.release()
    ctx.send(alias.pid, 'never')
    await Promise.resolve()
  })
  expect([await asker.next(), await asker.next()]).toEqual(['first', 'second'])
  await asker.settled()
  expect([asker.waiting, node.counters().deadLetters]).toEqual([0, 1])
})

it('L15 [local]: it takes no calls, links or monitors, and ends with its actor', async () => {
  const [asker, other] = [await startPuppet(node), await startPuppet(node, { trapExit: true })]
  const { pid } = await asker.do((ctx) => ctx.alias())
  const monitor = await other.do((ctx) => ctx.monitor(pid))
  expect(await other.next()).toEqual(downMessage(monitor, 'noproc'))
  await other.do((ctx) => ctx.link(pid))
  expect(await other.next()).toEqual({ type: 'EXIT', from: pid, reason: 'noproc' })
  const called = node.call(pid as Pid<{ call: { no(): void }; cast: object }>, 'no', [])
  await expect(called).rejects.toMatchObject({ code: 'ERR_NOPROC', outcome: 'not-run' })
  const ended = node.watch(asker.pid)
  node.exit(asker.pid, 'kill')
  await ended
  await other.do((ctx) => ctx.send(pid, 'late'))
  expect(node.counters().deadLetters).toBe(1)
})

it('L15 [thread]: it is reached from another thread', async () => {
  const [asker, pid] = [await startPuppet(node), await node.start(worker, [{}], { thread: 'pool' })]
  const alias = await asker.do((ctx) => ctx.alias())
  await node.call(pid, 'sendNumbers', [alias.pid, 2])
  expect([await asker.next(), await asker.next()]).toEqual([0, 1])
  alias.release()
  await node.call(pid, 'sendNumbers', [alias.pid, 1])
  await expect.poll(() => node.counters().deadLetters).toBe(1)
})
