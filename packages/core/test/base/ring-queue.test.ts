import { describe, expect, it } from 'vitest'
import { RingQueue } from '../../src/base/ring-queue.ts'

describe('a ring queue', () => {
  it('gives items back in the order they came, also across the ring’s edge and while it grows', () => {
    const queue = new RingQueue<number>(2)
    const model: number[] = []
    let next = 0
    // Two in, one out: the head walks round the ring while the ring doubles under it.
    for (let step = 0; step < 300; step += 1) {
      for (const item of [next, next + 1]) {
        queue.push(item)
        model.push(item)
      }
      next += 2
      expect(queue.shift()).toBe(model.shift())
      expect(queue.length).toBe(model.length)
    }
    while (model.length > 0) expect(queue.shift()).toBe(model.shift())
    expect(queue.length).toBe(0)
  })

  it('has nothing to give when it is empty, and works on afterwards', () => {
    const queue = new RingQueue<string>()
    expect(queue.shift()).toBeUndefined()
    expect(queue.length).toBe(0)
    queue.push('a')
    expect(queue.shift()).toBe('a')
    expect(queue.shift()).toBeUndefined()
  })

  it('counts an undefined that was pushed as an item', () => {
    const queue = new RingQueue<number | undefined>(2)
    queue.push(undefined)
    queue.push(1)
    expect(queue.length).toBe(2)
    expect(queue.shift()).toBeUndefined()
    expect(queue.shift()).toBe(1)
  })

  it('drains everything, oldest first, and is empty then', () => {
    const queue = new RingQueue<number>(4)
    for (const item of [1, 2, 3]) queue.push(item)
    queue.shift()
    for (const item of [4, 5, 6]) queue.push(item)
    expect(queue.drain()).toEqual([2, 3, 4, 5, 6])
    expect(queue.length).toBe(0)
    expect(queue.drain()).toEqual([])
  })

  it('keeps its order over bursts that make it grow and leave it empty', () => {
    const queue = new RingQueue<number>(2)
    let next = 0
    for (const burst of [300, 3, 129, 128, 1_000]) {
      const from = next
      for (let left = burst; left > 0; left -= 1) queue.push(next++)
      for (let item = from; item < next; item += 1) expect(queue.shift()).toBe(item)
      expect(queue.length).toBe(0)
      expect(queue.shift()).toBeUndefined()
    }
  })

  it('begins without any place, which it shares with no other', () => {
    const [one, other] = [new RingQueue<number>(0), new RingQueue<number>(0)]
    expect([one.first, one.shift(), one.drain()]).toEqual([undefined, undefined, []])
    for (let burst = 0; burst < 2; burst += 1) {
      for (let item = 0; item < 300; item += 1) one.push(item)
      expect([other.length, other.first]).toEqual([0, undefined])
      expect(one.drain()).toEqual(Array.from({ length: 300 }, (_, item) => item))
    }
  })

  it('removes what is unwanted also where that empties it on the way', () => {
    const queue = new RingQueue<number>(2)
    for (let item = 0; item < 200; item += 1) queue.push(item)
    queue.removeWhere((item) => item !== 199)
    expect(queue.drain()).toEqual([199])
    for (let item = 0; item < 200; item += 1) queue.push(item)
    expect(queue.removeFirst((item) => item === 199)).toBe(199)
    expect(queue.length).toBe(199)
  })
})
