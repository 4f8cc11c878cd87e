import {
  type ActorName,
  actorName,
  defineApp,
  genServer,
  partitionedSupervisor,
  type PartitionedProtocol,
  type Pid,
  silentLog,
  startNode,
  type SupervisorProtocol,
} from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/actor/partition.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { worker } from '../fixtures/thread-actors.mjs'
import { startTwoNodes } from '../fixtures/two-nodes.ts'

const numbered = genServer({
  name: 'numbered',
  init: (_ctx, partition: number) => partition,
  call: { number: (ctx) => ctx.state },
})

describe('a partitioned supervisor', () => {
  it('D2 [local]: an integer belongs to a partition by its size, any other key by its hash', () => {
    expect([0, 1, 4, 5, -1, -5].map((key) => partitionOf(key, 4))).toEqual([0, 1, 0, 1, 1, 1])
    const found = Array.from({ length: 1_000 }, (_, index) => partitionOf(`key ${index}`, 4))
    expect(new Set(found)).toEqual(new Set([0, 1, 2, 3]))
    expect(Array.from({ length: 1_000 }, (_, index) => partitionOf(`key ${index}`, 4))).toEqual(found)
    // 0xe40c292c, from the authors of FNV-1a.
    expect(partitionOf('a', 2 ** 32)).toBe(0xe40c292c)
    for (const key of [0.5, NaN, Infinity, '']) expect(partitionOf(key, 1)).toBe(0)
  })

  it('D2 [local]: each has arguments of its own, and a key finds its partition again after a restart', async () => {
    const parts = partitionedSupervisor('parts', {
      behavior: numbered,
      args: (partition) => [partition],
      partitions: 3,
    })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    for (const key of [0, 1, 2, 5]) expect(await node.call(parts.of(key), 'number', [])).toBe(key % 3)
    expect(parts.of('lobby')).toEqual(parts.of('lobby'))
    const before = node.whereis(parts.of(1)) as Pid
    node.exit(before, 'kill')
    await expect.poll(() => node.whereis(parts.of(1))?.serial ?? before.serial).not.toBe(before.serial)
    expect(await node.call(parts.of(1), 'number', [])).toBe(1)
    await node.stop()
  })

  it('D2 [thread]: each on a thread of its own', async () => {
    const parts = partitionedSupervisor('parts', {
      behavior: worker,
      args: () => [{}],
      partitions: 2,
      child: { thread: 'own' },
    })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    expect(await node.call(parts.of(0), 'add', [2])).toBe(2)
    expect(await node.call(parts.of(1), 'add', [3])).toBe(3)
    expect(node.whereis(parts.of(0))?.thread).not.toBe(node.whereis(parts.of(1))?.thread)
    await node.stop()
  })

  it('D2 [local]: resize stops those out of use, starts them anew, and keys follow', async () => {
    const seen = new Sightings<string>()
    const shown = genServer({
      name: 'shown',
      trapExit: true,
      init: (_ctx, partition: number) => {
        seen.add(`${partition} starts`)
        return partition
      },
      call: { number: (ctx) => ctx.state },
      terminate: (ctx) => seen.add(`${ctx.state} ends`),
    })
    const parts = partitionedSupervisor('parts', { behavior: shown, args: (partition) => [partition], partitions: 4 })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    const next = (count: number) => Promise.all(Array.from({ length: count }, () => seen.next()))
    await next(4)
    const owners = () => Promise.all([0, 1, 2, 3, 5].map((key) => node.call(parts.of(key), 'number', [])))
    expect(await owners()).toEqual([0, 1, 2, 3, 1])

    expect(await node.call(parts.name, 'resize', [2])).toBe(4)
    expect(await next(2)).toEqual(['3 ends', '2 ends'])
    expect(await owners()).toEqual([0, 1, 0, 1, 1])
    expect(await node.call(parts.name, 'partitions', [])).toBe(2)
    const statuses = (await node.call(parts.name, 'whichChildren', [])).map(({ status }) => status)
    expect(statuses).toEqual(['running', 'running', 'stopped', 'stopped'])

    expect(await node.call(parts.name, 'resize', [3])).toBe(2)
    expect(await next(1)).toEqual(['2 starts'])
    expect(await owners()).toEqual([0, 1, 2, 0, 2])
    expect(await node.call(parts.name, 'resize', [3])).toBe(3)

    expect(await node.call(parts.name, 'resize', [0])).toBe(3)
    expect(await next(3)).toEqual(['2 ends', '1 ends', '0 ends'])
    expect(node.whereis(parts.of(1))).toBeUndefined()
    await expect(node.call(parts.of(1), 'number', [])).rejects.toMatchObject({ code: 'ERR_NOPROC', outcome: 'not-run' })
    expect(await node.call(parts.name, 'resize', [4])).toBe(0)
    expect(await owners()).toEqual([0, 1, 2, 3, 1])
    await node.stop()
  })

  it('D2 [local]: resize takes 0 to the number that there are, and its supervisor is not changed otherwise', async () => {
    const parts = partitionedSupervisor('parts', {
      behavior: numbered,
      args: (partition) => [partition],
      partitions: 2,
    })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    for (const count of [-1, 3, 0.5, NaN, '1' as never]) {
      await expect(node.call(parts.name, 'resize', [count])).rejects.toMatchObject({
        code: 'ERR_BAD_SPEC',
        outcome: 'not-run',
      })
    }
    const asSupervisor = parts.name as ActorName as ActorName<SupervisorProtocol>
    for (const verb of ['terminateChild', 'restartChild', 'deleteChild'] as const) {
      await expect(node.call(asSupervisor, verb, ['0'])).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
    }
    expect(await node.call(parts.name, 'countChildren', [])).toMatchObject({ specs: 2, active: 2 })
    await node.stop()
  })

  it('D2 [local]: a resize whose partition does not start changes nothing', async () => {
    let bad = -1
    const frail = genServer({
      name: 'frail',
      init: (_ctx, partition: number) => {
        if (partition === bad) throw new RangeError('no disk')
        return partition
      },
      call: { number: (ctx) => ctx.state },
    })
    const parts = partitionedSupervisor('parts', { behavior: frail, args: (partition) => [partition], partitions: 3 })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    await node.call(parts.name, 'resize', [1])
    bad = 2
    await expect(node.call(parts.name, 'resize', [3])).rejects.toMatchObject({
      code: 'ERR_START_FAILED',
      cause: { message: expect.stringContaining('no disk') as unknown },
    })
    expect(await node.call(parts.name, 'partitions', [])).toBe(1)
    expect(await node.call(parts.name, 'countChildren', [])).toMatchObject({ specs: 3, active: 1 })
    for (const key of [0, 1, 2]) expect(await node.call(parts.of(key), 'number', [])).toBe(0)
    bad = -1
    expect(await node.call(parts.name, 'resize', [3])).toBe(1)
    expect(await node.call(parts.of(2), 'number', [])).toBe(2)
    await node.stop()
  })

  it('D2 [local]: temporary partitions, which are forgotten when they are stopped, are added again', async () => {
    const parts = partitionedSupervisor('parts', {
      behavior: numbered,
      args: (partition) => [partition],
      partitions: 2,
      child: { restart: 'temporary' },
    })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    for (const count of [0, 2, 1, 2]) await node.call(parts.name, 'resize', [count])
    expect(await node.call(parts.of(1), 'number', [])).toBe(1)
    await node.stop()
  })

  it('D2 [local]: all partitions are in use again when the supervisor is restarted', async () => {
    const parts = partitionedSupervisor('parts', {
      behavior: numbered,
      args: (partition) => [partition],
      partitions: 2,
    })
    const node = await startNode(defineApp({ name: 'parted', children: [parts.spec] }), { log: silentLog })
    await node.call(parts.name, 'resize', [1])
    const before = node.whereis(parts.name) as Pid
    node.exit(before, 'kill')
    await expect.poll(() => node.whereis(parts.of(1))).toBeDefined()
    expect(await node.call(parts.name, 'partitions', [])).toBe(2)
    expect(await node.call(parts.of(1), 'number', [])).toBe(1)
    await node.stop()
  })

  it('D2 [thread]: keys are looked up and partitions resized from every thread', async () => {
    const parts = partitionedSupervisor('parts', {
      behavior: worker,
      args: () => [{}],
      partitions: 2,
      child: { thread: 'pool' },
    })
    const app = defineApp({ name: 'parted', children: [parts.spec] })
    const node = await startNode(app, { log: silentLog, threadPool: { size: 2 } })
    const asker = await node.start(worker, [{}], { thread: 'own' })
    const onPool = await node.start(worker, [{}], { thread: 'pool' })
    const ask = (from: typeof asker, key: number) => node.call(from, 'call', [parts.of(key), 'add', [1], 5_000])
    for (const from of [asker, onPool]) for (const key of [0, 1]) await ask(from, key)
    expect(await node.call(parts.of(1), 'add', [0])).toBe(2)

    expect(await node.call(asker, 'call', [parts.name, 'resize', [1], 5_000])).toBe(2)
    for (const from of [asker, onPool]) await ask(from, 1)
    expect(await node.call(parts.of(0), 'add', [0])).toBe(4)
    // A thread that starts now is told as well.
    expect(await ask(await node.start(worker, [{}], { thread: 'own' }), 1)).toBe(5)

    expect(await node.call(onPool, 'call', [parts.name, 'resize', [2], 5_000])).toBe(1)
    expect(await ask(asker, 1)).toBe(1)
    expect(await ask(onPool, 1)).toBe(2)
    await node.stop()
  })

  it('D2 [node]: is resized by an actor of another node', async () => {
    const { near, far, stop } = await startTwoNodes(
      partitionedSupervisor('parts', { behavior: numbered, args: (partition) => [partition], partitions: 2 }).spec,
    )
    const pid = far.whereis(actorName<PartitionedProtocol>('parts')) as Pid<PartitionedProtocol>
    expect(await near.call(pid, 'resize', [1])).toBe(2)
    expect(await far.call(actorName<PartitionedProtocol>('parts'), 'partitions', [])).toBe(1)
    await stop()
  })

  it('D2 [local]: is refused when there can be no such number of partitions', () => {
    for (const partitions of [0, -1, 1.5, NaN, 1_025]) {
      expect(() => partitionedSupervisor('parts', { behavior: numbered, args: () => [0], partitions })).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_SPEC' }) as Error,
      )
    }
  })
})
