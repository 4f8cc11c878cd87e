import { defineApp, type ExitReason, memoryTransport, type Message, type Node, type Pid, startNode } from '@skerry/core'
import { expect, it, onTestFinished } from 'vitest'
import { downMessage, startPuppet } from '../fixtures/puppet.ts'
import { worker } from '../fixtures/thread-actors.mjs'
import { newMeshName, quiet } from '../rpc/two-nodes.ts'

const app = defineApp({ name: 'watching', children: [] })

function startIn(hub: string, region: string): Promise<Node> {
  return startNode(app, quiet({ region, transport: memoryTransport({ hub }), remoteSignals: 'members' }))
}

const upOf = (node: Node, region: string) => ({ type: 'nodeUp', node: node.id, life: node.life, region })
const downOf = (node: Node) => ({ type: 'nodeDown', node: node.id, life: node.life })

it('N1 [node]: tells of a node before anything that its actors say, and of its loss after its DOWN', async () => {
  const hub = newMeshName()
  const node = await startIn(hub, 'syd')
  onTestFinished(() => node.stop())
  const watcher = await startPuppet(node)
  expect(await watcher.do((ctx) => ctx.monitorNodes())).toEqual([])
  const other = await startIn(hub, 'lax')
  expect(await watcher.next()).toEqual(upOf(other, 'lax'))
  expect(await watcher.do((ctx) => ctx.monitorNodes())).toEqual([upOf(other, 'lax')])

  const far = await startPuppet(other)
  await far.do((ctx) => ctx.send(watcher.pid as Pid, 'hello'))
  expect(await watcher.next()).toBe('hello')
  const monitor = await watcher.do((ctx) => ctx.monitor(far.pid))
  // Behind the monitor, so that it has arrived.
  await watcher.do((ctx) =>
    ctx.call(far.pid as Pid as Pid<{ call: { no(): void }; cast: object }>, 'no', []).catch(() => 0),
  )
  await other.stop()
  expect(await watcher.next()).toEqual(downMessage(monitor, expect.anything() as ExitReason))
  expect(await watcher.next()).toEqual(downOf(other))
  expect(await watcher.do((ctx) => ctx.monitorNodes())).toEqual([])
})

it('N1 [node]: subscriptions do not stack, end on demand and with their actor', async () => {
  const hub = newMeshName()
  const node = await startIn(hub, 'syd')
  onTestFinished(() => node.stop())
  const [twice, ended, left] = [await startPuppet(node), await startPuppet(node), await startPuppet(node)]
  await twice.do((ctx) => [ctx.monitorNodes(), ctx.monitorNodes()])
  await ended.do((ctx) => ctx.monitorNodes())
  await left.do((ctx) => {
    ctx.monitorNodes()
    ctx.demonitorNodes()
  })
  node.exit(ended.pid, 'kill')
  const other = await startIn(hub, 'lax')
  expect(await twice.next()).toEqual(upOf(other, 'lax'))
  await other.stop()
  expect(await twice.next()).toEqual(downOf(other))
  await left.settled()
  expect([twice.waiting, left.waiting]).toEqual([0, 0])
  expect(node.counters().deadLetters).toBe(0)
})

it.each(['own', 'pool'] as const)('N1 [thread]: reaches actors on a thread: %s', async (thread) => {
  const hub = newMeshName()
  const node = await startIn(hub, 'syd')
  onTestFinished(() => node.stop())
  const early = await startIn(hub, 'fra')
  const reader = await startPuppet(node)
  const nextOf = async (type: string): Promise<Message> => {
    for (;;) {
      const message = await reader.next()
      if ((message as { type?: string }).type === type) return message
    }
  }
  const other = await startPuppet(node)
  await expect.poll(async () => (await other.do((ctx) => ctx.monitorNodes())).length).toBe(1)
  const pid = await node.start(worker, [{ reportTo: reader.pid }], { thread })
  expect(await node.call(pid, 'monitorNodes', [])).toEqual([upOf(early, 'fra')])
  const late = await startIn(hub, 'lax')
  expect(await nextOf('nodeUp')).toEqual(upOf(late, 'lax'))
  await late.stop()
  expect(await nextOf('nodeDown')).toEqual(downOf(late))
  await early.stop()
})
