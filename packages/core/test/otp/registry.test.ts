import {
  defineApp,
  memoryTransport,
  type Node,
  type Pid,
  registry,
  type RegistryProtocol,
  startNode,
} from '@skerry/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startPuppet } from '../fixtures/puppet.ts'
import { worker } from '../fixtures/thread-actors.mjs'
import { newMeshName, quiet } from '../rpc/two-nodes.ts'

type Registry = Pid<RegistryProtocol<string>>

let node: Node
beforeEach(async () => {
  node = await startNode(defineApp({ name: 'registered', children: [] }), quiet({ region: 'syd' }))
})
afterEach(() => node.stop())

const start = (options: Parameters<typeof registry>[1]): Promise<Registry> =>
  node.start(registry<string>('directory', options), []) as Promise<Registry>

it('P2 [local]: a unique key belongs to one actor, and to the next one when that ends', async () => {
  const pid = await start({ keys: 'unique' })
  const [first, second] = [await startPuppet(node), await startPuppet(node)]
  expect(await node.call(pid, 'register', ['lobby', first.pid, 'tea'])).toBe('registered')
  const taken = { alreadyRegistered: first.pid }
  expect(await node.call(pid, 'register', ['lobby', second.pid, 'coffee'])).toEqual(taken)
  expect(await node.call(pid, 'register', ['lobby', first.pid, 'again'])).toEqual(taken)
  expect(await node.call(pid, 'lookup', ['lobby'])).toEqual([{ pid: first.pid, value: 'tea' }])
  expect(await node.call(pid, 'lookup', ['cellar'])).toEqual([])
  const ended = node.watch(first.pid)
  node.exit(first.pid, 'kill')
  await ended
  await expect.poll(() => node.call(pid, 'register', ['lobby', second.pid, 'coffee'])).toBe('registered')
  expect(await node.call(pid, 'keysOf', [first.pid])).toEqual([])
})

it('P2 [local]: a duplicate key belongs to many, each once, and reaches all of them', async () => {
  const pid = await start({ keys: 'duplicate' })
  const [first, second] = [await startPuppet(node), await startPuppet(node)]
  for (const { pid: one } of [first, second]) await node.call(pid, 'register', ['news', one, ''])
  expect(await node.call(pid, 'register', ['news', second.pid, ''])).toEqual({ alreadyRegistered: second.pid })
  await node.call(pid, 'register', ['sport', second.pid, ''])
  expect(await node.call(pid, 'keysOf', [second.pid])).toEqual(['news', 'sport'])
  expect(await node.call(pid, 'count', [])).toBe(3)
  node.cast(pid, 'dispatch', ['news', 'rain'])
  expect([await first.next(), await second.next()]).toEqual(['rain', 'rain'])
  expect(await node.call(pid, 'unregister', ['news', second.pid])).toBe(true)
  expect(await node.call(pid, 'unregister', ['news', second.pid])).toBe(false)
  expect((await node.call(pid, 'lookup', ['news'])).map((entry) => entry.pid)).toEqual([first.pid])
  expect(await node.call(pid, 'count', [])).toBe(2)
})

it('P2 [local]: is bounded, and forgets who is dead already', async () => {
  const pid = await start({ keys: 'duplicate', maxEntries: 2 })
  const [dead, alive] = [await startPuppet(node), await startPuppet(node)]
  const ended = node.watch(dead.pid)
  node.exit(dead.pid, 'kill')
  await ended
  await node.call(pid, 'register', ['a', alive.pid, ''])
  expect(await node.call(pid, 'register', ['b', dead.pid, ''])).toBe('registered')
  await expect.poll(() => node.call(pid, 'count', [])).toBe(1)
  expect(await node.call(pid, 'register', ['b', alive.pid, ''])).toBe('registered')
  expect(await node.call(pid, 'register', ['c', alive.pid, ''])).toBe('full')
  expect(() => registry('none', { keys: 'unique', maxEntries: 0 })).toThrow('maxEntries')
})

it('P2 [thread] [node]: holds actors of other threads and nodes, until they or their node are gone', async () => {
  const hub = newMeshName()
  const near = await startNode(
    defineApp({ name: 'two', children: [] }),
    quiet({ region: 'syd', remoteSignals: 'members', transport: memoryTransport({ hub }) }),
  )
  const far = await startNode(
    defineApp({ name: 'two', children: [] }),
    quiet({ region: 'lax', remoteSignals: 'members', transport: memoryTransport({ hub }) }),
  )
  const watcher = await startPuppet(near)
  await expect.poll(async () => (await watcher.do((ctx) => ctx.monitorNodes())).length).toBe(1)
  const pid = await near.start(registry<string>('directory', { keys: 'duplicate' }), [])
  const [away, threaded] = [await startPuppet(far), await near.start(worker, [{}], { thread: 'pool' })]
  for (const one of [away.pid, threaded]) await near.call(pid, 'register', ['all', one, ''])
  expect(await near.call(pid, 'count', [])).toBe(2)
  near.exit(threaded, 'kill')
  await expect.poll(() => near.call(pid, 'count', [])).toBe(1)
  await far.stop()
  await expect.poll(() => near.call(pid, 'count', [])).toBe(0)
  await near.stop()
})
