import { expect, it } from 'vitest'
import { EventHeap, type HeapEntry } from '../../src/kernel/event-heap.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'

it('gives back what a sorted list would, whatever the order of pushes and pops', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const random = seededRandom(seed)
    const heap = new EventHeap<HeapEntry>()
    const sorted: HeapEntry[] = []
    for (let seq = 0; seq < 300; seq += 1) {
      const entry = { atUs: random.int(40), seq }
      heap.push(entry)
      sorted.push(entry)
      sorted.sort((one, other) => one.atUs - other.atUs || one.seq - other.seq)
      for (let pops = random.int(3); pops > 0; pops -= 1) {
        expect(heap.peek()).toBe(sorted[0])
        expect(heap.pop()).toBe(sorted.shift())
      }
      expect(heap.length).toBe(sorted.length)
    }
    while (sorted.length > 0) expect(heap.pop()).toBe(sorted.shift())
    expect(heap.pop()).toBeUndefined()
  }
})

it('is empty at first', () => {
  const heap = new EventHeap()
  expect([heap.length, heap.peek(), heap.pop()]).toEqual([0, undefined, undefined])
})
