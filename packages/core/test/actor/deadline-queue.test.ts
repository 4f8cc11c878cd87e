import { type VirtualClock, virtualClock } from '@skerry/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { TurnQueue } from '../../src/platform/turn-queue.ts'
import { type Deadline, DeadlineQueue } from '../../src/actor/deadline-queue.ts'
import { collected } from '../fixtures/collected.ts'

let clock: VirtualClock
let queue: DeadlineQueue
let expired: [name: string, atMs: number][]

beforeEach(() => {
  clock = virtualClock()
  queue = new DeadlineQueue(clock)
  expired = []
})

function deadline(name: string, then?: () => void): Deadline {
  return {
    place: undefined,
    expire() {
      expired.push([name, clock.monotonic()])
      then?.()
    },
  }
}

describe('deadlines', () => {
  it('expire once, each at its own time, whatever the order they were added in', async () => {
    queue.add(deadline('late'), 300)
    queue.add(deadline('early'), 100)
    await clock.advance(50)
    queue.add(deadline('later by 50'), 100)
    await clock.advance(10_000)
    expect(expired).toEqual([
      ['early', 100],
      ['later by 50', 150],
      ['late', 300],
    ])
  })

  it('do not expire a moment too early', async () => {
    queue.add(deadline('a'), 99.2)
    await clock.advance(99.5)
    expect(expired).toEqual([])
    await clock.advance(0.5)
    expect(expired).toEqual([['a', 100]])
  })

  it('do not expire when they were met, wherever they stand in their line', async () => {
    const [first, middle, last, kept] = ['first', 'middle', 'last', 'kept'].map((name) => deadline(name))
    for (const each of [first, kept, middle, last]) queue.add(each as Deadline, 100)
    for (const each of [middle, first, last, last]) queue.remove(each as Deadline)
    await clock.advance(1_000)
    expect(expired).toEqual([['kept', 100]])
  })

  it('of one duration share one timer, however many they are', () => {
    for (let index = 0; index < 1_000; index += 1) queue.add(deadline(`${index}`), 5_000)
    expect(clock.pending).toBe(1)
    queue.add(deadline('other'), 200)
    expect(clock.pending).toBe(2)
  })

  it('of many durations that were met keep few timers, however long they would have been', () => {
    for (let durationMs = 1; durationMs <= 5_000; durationMs += 1) {
      const one = deadline('met')
      queue.add(one, durationMs * 1_000)
      queue.remove(one)
    }
    expect(clock.pending).toBeLessThan(300)
  })

  it('leave no timer behind when all of them are over', async () => {
    for (const durationMs of [10, 20, 30]) {
      const met = deadline('met')
      queue.add(met, durationMs)
      queue.remove(met)
    }
    await clock.advance(30)
    expect(clock.pending).toBe(0)
    expect(expired).toEqual([])
    queue.add(deadline('next'), 10)
    await clock.advance(10)
    expect(expired).toEqual([['next', 40]])
  })

  it('may add and remove others of their duration while they expire', async () => {
    const doomed = deadline('doomed')
    queue.add(
      deadline('first', () => {
        queue.remove(doomed)
        queue.add(deadline('again'), 100)
      }),
      100,
    )
    queue.add(doomed, 100)
    queue.add(deadline('third'), 100)
    await clock.advance(100)
    expect(clock.pending).toBe(1)
    await clock.advance(1_000)
    expect(expired).toEqual([
      ['first', 100],
      ['third', 100],
      ['again', 200],
    ])
    expect(clock.pending).toBe(0)
  })

  it('may be added a second time', async () => {
    const twice = deadline('twice')
    queue.add(twice, 100)
    queue.remove(twice)
    queue.add(twice, 200)
    await clock.advance(1_000)
    expect(expired).toEqual([['twice', 200]])
  })

  it('expire no more after stop', async () => {
    queue.add(deadline('a'), 100)
    queue.add(deadline('b'), 200)
    queue.stop()
    expect(clock.pending).toBe(0)
    await clock.advance(1_000)
    expect(expired).toEqual([])
  })

  describe('whose time begins soon', () => {
    let pause: () => void
    let pausing: DeadlineQueue
    let enqueued: number
    beforeEach(() => {
      enqueued = 0
      const turns: TurnQueue = { enqueue: () => (enqueued += 1), onPause: (run) => (pause = run) }
      pausing = new DeadlineQueue(clock, turns)
    })

    it('begin with the next pause of the turns, in the order in which they were added', async () => {
      pausing.addSoon(deadline('first'), 100)
      await clock.advance(30)
      pausing.addSoon(deadline('second'), 100)
      expect(clock.pending).toBe(0)
      pause()
      expect(clock.pending).toBe(1)
      await clock.advance(99.9)
      expect(expired).toEqual([])
      await clock.advance(1_000)
      expect(expired).toEqual([
        ['first', 130],
        ['second', 130],
      ])
    })

    it('begin together and expire each for itself, but for those that were met', async () => {
      const ten = Array.from({ length: 10 }, (_, index) => deadline(`${index}`))
      const other = deadline('other')
      for (const each of ten) pausing.addSoon(each, 100)
      pausing.addSoon(other, 50)
      pause()
      for (const met of [3, 0, 7, 8, 1, 2, 4]) pausing.remove(ten[met] as Deadline)
      pausing.remove(ten[3] as Deadline)
      pausing.add(ten[3] as Deadline, 200)
      expect(pausing.leftMs(ten[5] as Deadline)).toBe(100)
      expect(pausing.leftMs(ten[0] as Deadline)).toBe(0)
      await clock.advance(1_000)
      expect(expired).toEqual([
        ['other', 50],
        ['5', 100],
        ['6', 100],
        ['9', 100],
        ['3', 200],
      ])
      expect(clock.pending).toBe(0)
    })

    it('of more than a minute are not kept once they were met, for others that began with them', async () => {
      let met: WeakRef<Deadline> | undefined
      const others = [deadline('other'), deadline('third')]
      ;(() => {
        const one = deadline('one')
        met = new WeakRef(one)
        for (const each of [...others, one]) pausing.addSoon(each, 60_001)
        pause()
        pausing.remove(one)
      })()
      await collected(met)
      await clock.advance(60_001)
      expect(expired.map(([name]) => name)).toEqual(['other', 'third'])
    })

    it('are met by one of those that expire with them', async () => {
      const last = deadline('last')
      pausing.addSoon(
        deadline('first', () => pausing.remove(last)),
        100,
      )
      pausing.addSoon(last, 100)
      pause()
      await clock.advance(1_000)
      expect(expired).toEqual([['first', 100]])
      expect(clock.pending).toBe(0)
    })

    it('cost no timer when they are met before, in whatever order', () => {
      const [first, middle, last] = ['first', 'middle', 'last'].map((name) => deadline(name))
      for (const each of [first, middle, last]) pausing.addSoon(each as Deadline, 100)
      for (const each of [middle, first, last, last]) pausing.remove(each as Deadline)
      pause()
      expect(clock.pending).toBe(0)
    })

    it('begin once, also when they were met and added again before the pause', async () => {
      const [twice, other] = [deadline('twice'), deadline('other')]
      pausing.addSoon(twice, 100)
      pausing.addSoon(other, 100)
      pausing.remove(twice)
      pausing.addSoon(twice, 100)
      pause()
      pausing.remove(twice)
      pause()
      await clock.advance(1_000)
      expect(expired).toEqual([['other', 100]])
    })

    it('make sure of the next pause, once, where maybe no turn waits', async () => {
      for (const name of ['first', 'second']) pausing.addBehindTurns(deadline(name), 100)
      expect(enqueued).toBe(1)
      pause()
      pausing.addBehindTurns(deadline('third'), 100)
      expect(enqueued).toBe(2)
      pause()
      await clock.advance(100)
      expect(expired.map(([name]) => name)).toEqual(['first', 'second', 'third'])
    })

    it('have all of it left until then', async () => {
      const one = deadline('one')
      expect(pausing.leftMs(one)).toBe(0)
      pausing.addBehindTurns(one, 100)
      await clock.advance(30)
      expect(pausing.leftMs(one)).toBe(100)
      pause()
      await clock.advance(30)
      expect(pausing.leftMs(one)).toBe(70)
    })

    it('begin at once where turns know no pauses', async () => {
      queue.addBehindTurns(deadline('a'), 100)
      await clock.advance(100)
      expect(expired).toEqual([['a', 100]])
    })

    it('never begin after stop', async () => {
      pausing.addSoon(deadline('a'), 100)
      pausing.stop()
      pause()
      expect(clock.pending).toBe(0)
    })
  })
})
