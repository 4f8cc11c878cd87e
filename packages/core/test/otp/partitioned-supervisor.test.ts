import { defineApp, genServer, partitionedSupervisor, type Pid, silentLog, startNode } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/otp/partitioned-supervisor.ts'
import { worker } from '../fixtures/thread-actors.mjs'

const numbered = genServer({
  name: 'numbered',
  init: (_ctx, partition: number) => partition,
  call: { number: (ctx) => ctx.state },
})

describe('a partitioned supervisor', () => {
  it('D2: an integer belongs to a partition by its size, any other key by its hash', () => {
    expect([0, 1, 4, 5, -1, -5].map((key) => partitionOf(key, 4))).toEqual([0, 1, 0, 1, 1, 1])
    const found = Array.from({ length: 1_000 }, (_, index) => partitionOf(`key ${index}`, 4))
    expect(new Set(found)).toEqual(new Set([0, 1, 2, 3]))
    expect(Array.from({ length: 1_000 }, (_, index) => partitionOf(`key ${index}`, 4))).toEqual(found)
    // 0xe40c292c, from the authors of FNV-1a.
    expect(partitionOf('a', 2 ** 32)).toBe(0xe40c292c)
    for (const key of [0.5, NaN, Infinity, '']) expect(partitionOf(key, 1)).toBe(0)
  })

  it('D2: each has arguments of its own, and a key finds its partition again after a restart', async () => {
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

  it('D2: is refused when there can be no such number of partitions', () => {
    for (const partitions of [0, -1, 1.5, NaN, 1_025]) {
      expect(() => partitionedSupervisor('parts', { behavior: numbered, args: () => [0], partitions })).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_SPEC' }) as Error,
      )
    }
  })
})
