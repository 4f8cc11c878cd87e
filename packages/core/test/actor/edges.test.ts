import { manualPlatform } from '@skerry/testing'
import { expect, it } from 'vitest'
import {
  type EdgeHolder,
  Edges,
  edgesPerNodeMax,
  type LoneEdge,
  type LoneHolder,
  type LostPeer,
} from '../../src/actor/edges.ts'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'

const there = { node: 'there', life: 1 }

it('the edges to a node are counted, over its threads and as often as each was added', () => {
  const edges = new Edges()
  const [a, b] = [holder(1), holder(2)]
  for (const [thread, one] of [
    [0, a],
    [0, a],
    [0, b],
    [7, a],
  ] as const) {
    edges.add({ ...there, thread, serial: 9 }, one)
  }
  edges.add({ node: 'other', life: 1, thread: 0, serial: 9 }, a)
  expect([edges.countOf(there), edges.countOf({ ...there, life: 2 })]).toEqual([4, 0])
  edges.remove({ ...there, thread: 0, serial: 9 }, a)
  edges.remove({ ...there, thread: 0, serial: 9 }, holder(3))
  expect(edges.countOf(there)).toBe(3)
  edges.lost({ ...there, thread: 0 }, () => 'noconnection')
  expect([a.lost, b.lost, edges.countOf(there)]).toEqual([1, 1, 1])
  edges.remove({ ...there, thread: 7, serial: 9 }, a)
  edges.add({ node: 'other', life: 1, thread: 0, serial: 9 }, b)
  expect([edges.countOf(there), edges.countOf({ node: 'other', life: 1 })]).toEqual([0, 2])
  edges.add({ ...there, thread: 0, serial: 9 }, a)
  edges.lost(there, () => 'noconnection')
  expect(edges.countOf(there)).toBe(0)
})

it('a node that holds as many as it may is told of no connection, until some of them end', () => {
  const codec = msgpackCodec()
  const kernel = new Kernel({ node: 'here', life: 1, thread: 0, platform: manualPlatform(), codec })
  const sent: Signal[] = []
  kernel.away = { route: (signal) => void sent.push(signal) }
  const [from, to, one] = [
    { ...there, thread: 0, serial: 5 },
    { node: 'here', life: 1, thread: 0, serial: 1 },
    holder(1),
  ]
  const monitor = { type: 'monitor', from, to, ref: 8 } as const
  for (let at = 1; at < edgesPerNodeMax; at += 1) kernel.addEdge(from, one)
  expect(kernel.mayJoin(monitor)).toBe(true)
  kernel.addEdge(from, one)
  expect([kernel.mayJoin(monitor), kernel.mayJoin({ type: 'link', from, to })]).toEqual([false, false])
  expect(kernel.mayJoin({ ...monitor, from: { ...from, node: 'other' } })).toBe(true)
  expect(sent).toEqual([
    { type: 'down', from: to, to: from, ref: 8, reason: 'noconnection' },
    { type: 'exit', from: to, to: from, reason: 'noconnection', viaLink: true },
  ])
  expect(kernel.counters.refusedSignals).toBe(2)
  kernel.removeEdge(from, one)
  expect(kernel.mayJoin(monitor)).toBe(true)
})

function holder(serial: number): EdgeHolder & { lost: number } {
  const it = {
    pid: { node: 'here', life: 1, thread: 0, serial },
    lost: 0,
    peerLost: (_lost: LostPeer) => void (it.lost += 1),
  }
  return it
}

it('one that holds a single edge takes it back by that, counts as others do and is told of a loss in their order', () => {
  const edges = new Edges()
  const told: number[] = []
  const lone = (serial: number): LoneHolder => ({
    ...holder(serial),
    edgeAt: undefined,
    peerLost: () => void told.push(serial),
  })
  const [first, second, third] = [lone(1), lone(3), lone(4)]
  const target = { ...there, thread: 0, serial: 0 }
  const held = [third, first, second].map((one) => edges.addLone(target, one))
  edges.add(target, { ...holder(2), peerLost: () => void told.push(2) })
  expect([edges.size, edges.countOf(there), [...edges.nodes()]]).toEqual([4, 4, ['there']])
  edges.removeLone(held[0] as LoneEdge, third)
  edges.removeLone(held[0] as LoneEdge, third)
  expect([edges.size, edges.countOf(there)]).toEqual([3, 3])
  edges.lost(there, () => 'noconnection')
  expect(told).toEqual([1, 2, 3])
  // It was told, and takes back what is no more.
  edges.removeLone(held[1] as LoneEdge, first)
  expect([edges.size, edges.countOf(there)]).toEqual([0, 0])
  const again = edges.addLone(target, first)
  edges.addLone({ ...target, node: 'other' }, second)
  edges.removeLone(again, first)
  expect([edges.size, edges.countOf(there), [...edges.nodes()]]).toEqual([1, 0, ['other']])
})
