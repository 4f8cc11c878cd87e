import {
  type AppDefinition,
  defineApp,
  genServer,
  type GroupMessage,
  memoryTransport,
  type Node,
  type NodeOptions,
  type Pid,
  type ProcessGroups,
  processGroups,
  startNode,
} from '@skerry/core'
import { afterEach, expect, it } from 'vitest'
import { guest, rooms } from '../fixtures/group-actors.mjs'
import { downMessage, type Puppet, startPuppet } from '../fixtures/puppet.ts'
import { newMeshName, quiet } from '../rpc/two-nodes.ts'

const nodes: Node[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

function appOf(...groups: readonly ProcessGroups[]): AppDefinition {
  return defineApp({
    name: 'grouped',
    children: groups.map((one) => one.child()),
    procedures: groups.map((one) => one.procedure),
  })
}

async function start(app: AppDefinition, options: NodeOptions = {}): Promise<Node> {
  const node = await startNode(app, quiet({ region: 'syd', cluster: 'grouped', ...options }))
  nodes.push(node)
  return node
}

/** Nodes of one mesh that run the scope. */
async function startMesh(count: number, app: AppDefinition = appOf(rooms)): Promise<Node[]> {
  const hub = newMeshName()
  const mesh: Node[] = []
  for (let at = 0; at < count; at += 1) {
    mesh.push(await start(app, { region: `r${at}`, transport: memoryTransport({ hub }) }))
  }
  return mesh
}

async function startPuppets(node: Node, count: number): Promise<Puppet[]> {
  return Promise.all(Array.from({ length: count }, () => startPuppet(node)))
}

/** Waits until the node knows of exactly these members, in any order. */
async function agree(node: Node, group: string, members: readonly Pid[], groups = rooms): Promise<void> {
  const sorted = (pids: readonly Pid[]): string[] => pids.map((pid) => JSON.stringify(pid)).sort()
  const options = { timeout: 15_000 }
  await expect.poll(async () => sorted(await groups.getMembers(node, group)), options).toEqual(sorted(members))
}

async function kill(node: Node, pid: Pid): Promise<void> {
  const ended = node.watch(pid)
  node.exit(pid, 'kill')
  await ended
}

it('P1 [local]: who joined k times is in the group k times, and leaves it k times', async () => {
  const node = await start(appOf(rooms))
  const [first, second] = (await startPuppets(node, 2)) as [Puppet, Puppet]
  expect(await rooms.getMembers(node, 'tea')).toEqual([])
  expect(await rooms.whichGroups(node)).toEqual([])
  await rooms.join(node, 'tea', [first.pid, second.pid, first.pid])
  await first.do((ctx) => rooms.join(ctx, 'cake', ctx.self))
  expect(await rooms.getMembers(node, 'tea')).toEqual([first.pid, first.pid, second.pid])
  expect(await rooms.whichGroups(node)).toEqual(['tea', 'cake'])
  expect(await rooms.leave(node, 'tea', first.pid)).toBe(true)
  expect(await rooms.getMembers(node, 'tea')).toEqual([first.pid, second.pid])
  expect(await rooms.leave(node, 'tea', [first.pid, first.pid])).toBe(true)
  expect(await rooms.leave(node, 'tea', first.pid)).toBe(false)
  expect(await rooms.leave(node, 'nobody', first.pid)).toBe(false)
  expect(await rooms.getLocalMembers(node, 'tea')).toEqual([second.pid])
  expect(await rooms.leave(node, 'tea', second.pid)).toBe(true)
  expect(await rooms.whichLocalGroups(node)).toEqual(['cake'])
})

it('P1 [local]: who ends leaves all its groups, also who was dead when it joined', async () => {
  const node = await start(appOf(rooms))
  const [first, second] = (await startPuppets(node, 2)) as [Puppet, Puppet]
  await rooms.join(node, 'tea', [first.pid, first.pid, second.pid])
  await rooms.join(node, 'cake', first.pid)
  await kill(node, first.pid)
  await agree(node, 'tea', [second.pid])
  await agree(node, 'cake', [])
  await rooms.join(node, 'cake', first.pid)
  await agree(node, 'cake', [])
  expect(await rooms.stats(node)).toMatchObject({ members: 1, localMembers: 1 })
})

it('P1 [local]: a monitor of a group and one of the scope hear of who comes and goes', async () => {
  const node = await start(appOf(rooms))
  const [member, of, ofAll] = (await startPuppets(node, 3)) as [Puppet, Puppet, Puppet]
  await rooms.join(node, 'tea', member.pid)
  const tea = await of.do((ctx) => rooms.monitor(ctx, 'tea'))
  const all = await ofAll.do((ctx) => rooms.monitorScope(ctx))
  expect(tea.members).toEqual([member.pid])
  expect(all.groups).toEqual(new Map([['tea', [member.pid]]]))
  await rooms.join(node, 'cake', member.pid)
  await rooms.join(node, 'tea', member.pid)
  await kill(node, member.pid)
  const { ref } = tea.monitor
  expect(await of.next()).toEqual({ type: 'join', ref, group: 'tea', pids: [member.pid] })
  expect(await of.next()).toEqual({ type: 'leave', ref, group: 'tea', pids: [member.pid, member.pid] })
  const heard = [await ofAll.next(), await ofAll.next(), await ofAll.next(), await ofAll.next()] as GroupMessage[]
  expect(heard.map(({ type, group }) => `${type} ${group}`)).toEqual([
    'join cake',
    'join tea',
    'leave tea',
    'leave cake',
  ])

  expect(await of.do((ctx) => rooms.demonitor(ctx, tea.monitor))).toBe(true)
  expect(await of.do((ctx) => rooms.demonitor(ctx, tea.monitor))).toBe(false)
  await rooms.join(node, 'tea', ofAll.pid)
  await of.settled()
  expect(of.waiting).toBe(0)
  await kill(node, ofAll.pid)
  await expect.poll(() => rooms.stats(node)).toMatchObject({ monitors: 0, members: 0 })
})

it('P1 [local]: a scope that crashes forgets its members, and says so to who watches it', async () => {
  const node = await start(appOf(rooms))
  const [member, watcher] = (await startPuppets(node, 2)) as [Puppet, Puppet]
  await rooms.join(node, 'tea', member.pid)
  const { monitor } = await watcher.do((ctx) => rooms.monitorScope(ctx))
  node.exit(rooms.scope, 'kill')
  expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
  await expect.poll(() => rooms.getMembers(node, 'tea').catch(() => 'none')).toEqual([])
  await rooms.join(node, 'tea', member.pid)
  expect(await rooms.getMembers(node, 'tea')).toEqual([member.pid])
})

it('P1 [local]: scopes know nothing of each other; each is bounded', async () => {
  const small = processGroups('small', { maxMembers: 2 })
  const node = await start(appOf(rooms, small))
  const [one] = (await startPuppets(node, 1)) as [Puppet]
  await small.join(node, 'tea', [one.pid, one.pid])
  await expect(small.join(node, 'tea', one.pid)).rejects.toMatchObject({ code: 'ERR_GROUPS_FULL', outcome: 'not-run' })
  await small.leave(node, 'tea', one.pid)
  await expect(small.join(node, 'tea', [one.pid, one.pid])).rejects.toMatchObject({ code: 'ERR_GROUPS_FULL' })
  expect(await small.getMembers(node, 'tea')).toEqual([one.pid])
  expect(await rooms.whichGroups(node)).toEqual([])
  for (const name of ['', 'x'.repeat(256)]) {
    await expect(rooms.join(node, name, one.pid)).rejects.toMatchObject({ code: 'ERR_BAD_GROUP' })
    const refused = one.do((ctx) => rooms.monitor(ctx, name).catch((error: unknown) => error))
    expect(await refused).toMatchObject({ code: 'ERR_BAD_GROUP' })
  }
  expect(() => processGroups('')).toThrow('name')
  expect(() => processGroups('none', { maxMembers: 0 })).toThrow('maxMembers')
})

it('P1 [thread]: actors of other threads join, watch and read, and leave with their thread', async () => {
  const node = await start(appOf(rooms))
  const [pooled, own] = await Promise.all([
    node.start(guest, [], { thread: 'pool' }),
    node.start(guest, [], { thread: 'own' }),
  ])
  expect(await node.call(own, 'watch', ['tea'])).toEqual([])
  await node.call(pooled, 'join', ['tea'])
  await node.call(own, 'join', ['tea'])
  expect(await node.call(pooled, 'members', ['tea'])).toEqual([pooled, own])
  expect(await node.call(pooled, 'leave', ['tea'])).toBe(true)
  await expect
    .poll(() => node.call(own, 'heard', []))
    .toMatchObject([
      { type: 'join', group: 'tea', pids: [pooled] },
      { type: 'join', group: 'tea', pids: [own] },
      { type: 'leave', group: 'tea', pids: [pooled] },
    ])
  await kill(node, own)
  await agree(node, 'tea', [])
  expect(await rooms.stats(node)).toMatchObject({ monitors: 0 })
})

it('P1 [thread] [node]: a scope may run on another thread', async () => {
  const app = defineApp({
    name: 'grouped',
    children: [rooms.child({ thread: 'pool' })],
    procedures: [rooms.procedure],
  })
  const [near, far] = (await startMesh(2, app)) as [Node, Node]
  const [member] = (await startPuppets(near, 1)) as [Puppet]
  await rooms.join(near, 'tea', member.pid)
  expect(near.whereis(rooms.scope)?.thread).toBeGreaterThan(0)
  await agree(far, 'tea', [member.pid])
  await near.stop()
  await agree(far, 'tea', [])
})

it('P1 [node]: all nodes come to know the members of all, and lose those of a node that is gone', async () => {
  const [first, second] = (await startMesh(2)) as [Node, Node]
  const [here] = (await startPuppets(first, 1)) as [Puppet]
  const [there] = (await startPuppets(second, 1)) as [Puppet]
  await rooms.join(first, 'tea', [here.pid, here.pid])
  await rooms.join(second, 'tea', there.pid)
  await agree(second, 'tea', [here.pid, here.pid, there.pid])
  await agree(first, 'tea', [here.pid, here.pid, there.pid])
  expect((await rooms.getMembers(second, 'tea'))[0]).toEqual(there.pid)
  expect(await rooms.getLocalMembers(second, 'tea')).toEqual([there.pid])

  const { monitor } = await there.do((ctx) => rooms.monitor(ctx, 'tea'))
  await rooms.leave(first, 'tea', here.pid)
  expect(await there.next()).toEqual({ type: 'leave', ref: monitor.ref, group: 'tea', pids: [here.pid] })
  await first.stop()
  expect(await there.next()).toEqual({ type: 'leave', ref: monitor.ref, group: 'tea', pids: [here.pid] })
  await agree(second, 'tea', [there.pid])
})

it('P1 [node]: only actors of the own node and life can join', async () => {
  const [first, second] = (await startMesh(2)) as [Node, Node]
  const [here, there] = [await startPuppet(first), await startPuppet(second)]
  for (const pid of [there.pid, { ...here.pid, life: here.pid.life - 1 }]) {
    const error = { code: 'ERR_NOT_LOCAL', outcome: 'not-run' }
    await expect(rooms.join(first, 'tea', [here.pid, pid])).rejects.toMatchObject(error)
  }
  expect(await rooms.getMembers(first, 'tea')).toEqual([])
})

it('P1 [node]: who comes later is told of all members, in as many parts as they need', async () => {
  const hub = newMeshName()
  const app = appOf(rooms)
  const first = await start(app, { region: 'r1', transport: memoryTransport({ hub }) })
  const [one, other] = (await startPuppets(first, 2)) as [Puppet, Puppet]
  const many = Array.from({ length: 30_000 }, () => one.pid)
  await rooms.join(first, 'tea', many)
  for (let at = 0; at < 400; at += 1) await rooms.join(first, `${at}`.padEnd(200, '-'), other.pid)
  const second = await start(app, { region: 'r2', transport: memoryTransport({ hub, maxFrameBytes: 64 * 1024 }) })
  await expect.poll(() => rooms.stats(second), { timeout: 15_000 }).toMatchObject({ members: 30_400 })
  expect((await rooms.getMembers(second, 'tea')).length).toBe(30_000)
  expect((await rooms.whichGroups(second)).length).toBe(401)
  await kill(first, one.pid)
  await agree(second, 'tea', [])
  expect((await rooms.whichGroups(second)).length).toBe(400)
})

it('P1 [node]: a node with more members than the other takes is shown without members, until it restarts', async () => {
  const hub = newMeshName()
  const small = processGroups('rooms', { maxMembers: 2 })
  const first = await start(appOf(rooms), { region: 'r1', transport: memoryTransport({ hub }) })
  const second = await start(appOf(small), { region: 'r2', transport: memoryTransport({ hub }) })
  const [here, there] = [await startPuppet(first), await startPuppet(second)]
  await small.join(second, 'tea', there.pid)
  await rooms.join(first, 'tea', [here.pid, here.pid])
  await agree(second, 'tea', [there.pid, here.pid, here.pid], small)
  await rooms.join(first, 'tea', here.pid)
  await agree(second, 'tea', [there.pid], small)
  await agree(first, 'tea', [here.pid, here.pid, here.pid, there.pid])
  first.exit(rooms.scope, 'kill')
  await expect
    .poll(() =>
      rooms.join(first, 'tea', here.pid).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  await agree(second, 'tea', [there.pid, here.pid], small)
})

it('P1 [node]: a scope that crashes is found again by the others, without its members', async () => {
  const [first, second, third] = (await startMesh(3)) as [Node, Node, Node]
  const members = await Promise.all([first, second, third].map((node) => startPuppet(node)))
  const [here, there, yonder] = members.map(({ pid }) => pid) as [Pid, Pid, Pid]
  await rooms.join(first, 'tea', here)
  await rooms.join(second, 'tea', there)
  await rooms.join(third, 'tea', yonder)
  for (const node of [first, second, third]) await agree(node, 'tea', [here, there, yonder])
  first.exit(rooms.scope, 'kill')
  for (const node of [second, third, first]) await agree(node, 'tea', [there, yonder])
  await rooms.join(first, 'tea', here)
  for (const node of [first, second, third]) await agree(node, 'tea', [here, there, yonder])
})

it('P1 [node]: what a peer says that is no message of a scope is refused, and counted', async () => {
  const [first, second] = (await startMesh(2)) as [Node, Node]
  const [here, there] = [await startPuppet(first), await startPuppet(second)]
  await rooms.join(first, 'tea', here.pid)
  await agree(second, 'tea', [here.pid])
  const to = first.whereis(rooms.scope) as Pid<never>
  const from = second.whereis(rooms.scope) as Pid
  const wrong: [string, unknown[]][] = [
    ['beat', [from, -1]],
    ['beat', ['nobody', 1]],
    ['beat', [to, 1]],
    ['deltas', [from, [{ version: 1, type: 'join', group: '', places: [] }]]],
    ['deltas', [from, [{ version: 1, type: 'join', group: 'tea', places: [1] }]]],
    ['deltas', [from, [{ version: 1, type: 'come', group: 'tea', places: [] }]]],
    ['deltas', [from, null]],
    ['part', [from, { version: 1, part: 1, parts: 1, groups: [] }]],
    ['part', [from, { version: 1, part: 0, parts: 1, groups: ['tea'] }]],
    ['pull', [from, { have: 0.5, snapshot: 0, part: 0 }]],
    ['pull', [from]],
    ['found', [here.pid]],
  ]
  await there.do((ctx) => {
    for (const [name, args] of wrong) ctx.cast(to, name as never, args as never)
  })
  await expect.poll(async () => (await rooms.stats(first)).refused).toBe(wrong.length)
  expect(await rooms.getMembers(first, 'tea')).toEqual([here.pid])
})

it('P1 [node]: changes that come in one go are told to each node in one message', async () => {
  const [first, second] = (await startMesh(2)) as [Node, Node]
  // As a scope of the second node would: by a beat the first one's gets to know it.
  const heard: number[] = []
  const ear = genServer({
    name: 'ear',
    init: () => undefined,
    cast: {
      beat: () => undefined,
      deltas: (_ctx, _from: Pid, deltas: readonly unknown[]) => void heard.push(deltas.length),
    },
  })
  const pid = await second.start(ear, [])
  const scope = first.whereis(rooms.scope) as Pid<never>
  const scopes = async (): Promise<number> => (await rooms.stats(first)).scopes
  await expect.poll(scopes, { timeout: 15_000 }).toBe(1)
  const posing = await startPuppet(second)
  await posing.do((ctx) => ctx.cast(scope, 'beat' as never, [pid, 0] as never))
  await expect.poll(scopes, { timeout: 15_000 }).toBe(2)
  const [here] = (await startPuppets(first, 1)) as [Puppet]
  await Promise.all(Array.from({ length: 100 }, (_, at) => rooms.join(first, `room ${at}`, here.pid)))
  await kill(first, here.pid)
  await expect.poll(() => heard.reduce((sum, deltas) => sum + deltas, 0)).toBe(200)
  expect(heard.length).toBeLessThanOrEqual(4)
})
