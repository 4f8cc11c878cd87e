import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { systemTurnQueue, type Turn } from '../../src/platform/turn-queue.ts'

describe('the turn queue of a thread', () => {
  it('runs turns in order, those enqueued by turns last, and none synchronously', async () => {
    const queue = systemTurnQueue()
    const ran: string[] = []
    const log = (name: string, then?: () => void): Turn => ({
      runTurn() {
        ran.push(name)
        then?.()
      },
    })
    queue.enqueue(log('a', () => queue.enqueue(log('c'))))
    queue.enqueue(log('b'))
    expect(ran).toEqual([])
    await immediate()
    expect(ran).toEqual(['a', 'b', 'c'])
  })

  it('runs a few turns as microtasks: before anything else of the event loop', async () => {
    const queue = systemTurnQueue()
    const ran: string[] = []
    const others = immediate().then(() => ran.push('immediate'))
    queue.enqueue({ runTurn: () => void ran.push('turn') })
    await others
    expect(ran).toEqual(['turn', 'immediate'])
  })

  it('lets timers through a flood of turns that enqueue themselves', async () => {
    const queue = systemTurnQueue()
    let turns = 0
    let flooding = true
    const flood: Turn = {
      runTurn() {
        turns += 1
        // The bound is for a queue that starves the timer: then the test fails instead of hanging.
        if (flooding && turns < 2_000_000) queue.enqueue(flood)
      },
    }
    queue.enqueue(flood)
    // How many turns there are before a timer depends on the machine; that timers come between them does not.
    while (turns <= 4_096) await delay(1)
    flooding = false
    expect(turns).toBeLessThan(2_000_000)
  })

  it('keeps the order also where the budget is used up', async () => {
    const queue = systemTurnQueue()
    const ran: number[] = []
    const count = 10_000
    for (let index = 0; index < count; index += 1) queue.enqueue({ runTurn: () => void ran.push(index) })
    while (ran.length < count) await immediate()
    expect(ran).toEqual(Array.from({ length: count }, (_, index) => index))
  })

  it('says whether it was busy for long since it was asked last, but not within a turn', async () => {
    const queue = systemTurnQueue()
    const answers: unknown[] = []
    queue.isReadingLate?.()
    // More than a millisecond, however long this takes.
    for (const end = performance.now() + 5; performance.now() < end;);
    queue.enqueue({ runTurn: () => void answers.push(queue.isReadingLate?.()) })
    await immediate()
    answers.push(queue.isReadingLate?.())
    expect(answers).toEqual([false, true])
  })

  it('gives each turn a number that those around it do not have, also what runs last', async () => {
    const queue = systemTurnQueue()
    const numbers: (number | undefined)[] = []
    const turn = { runTurn: () => void numbers.push(queue.turn?.()) }
    for (let bursts = 0; bursts < 3; bursts += 1) {
      queue.enqueueLast?.(turn)
      queue.enqueueLast?.(turn)
      for (let turns = 0; turns < 3_000; turns += 1) queue.enqueue(turn)
      while (numbers.length < (bursts + 1) * 3_002) await immediate()
      expect(queue.turn?.()).toBeUndefined()
    }
    expect(new Set(numbers).size).toBe(9_006)
    expect(numbers).not.toContain(undefined)
  })

  it('runs what goes behind the reads behind all turns and promises', async () => {
    const queue = systemTurnQueue()
    const ran: string[] = []
    queue.enqueueBehindReads?.({ runTurn: () => void ran.push('behind') })
    queue.enqueue({ runTurn: () => void ran.push('turn') })
    await Promise.resolve().then(() => ran.push('promise'))
    await immediate()
    expect(ran).toEqual(['turn', 'promise', 'behind'])
  })

  it('runs what waits for idleness behind all turns and promises, and before anything else of the event loop', async () => {
    const queue = systemTurnQueue()
    const ran: string[] = []
    const others = immediate().then(() => ran.push('immediate'))
    queue.enqueueIdle?.({ runTurn: () => void ran.push('idle') })
    const later = async (): Promise<void> => {
      for (let hops = 0; hops < 100; hops += 1) await Promise.resolve()
      queue.enqueue({ runTurn: () => void ran.push('turn of a promise') })
    }
    queue.enqueue({ runTurn: () => void later() })
    await others
    expect(ran).toEqual(['turn of a promise', 'idle', 'immediate'])
  })

  it('tells of a pause behind the turns that were ready and those that they enqueued, and where the budget is used up', async () => {
    const queue = systemTurnQueue()
    const ran: string[] = []
    queue.onPause?.(() => void ran.push('pause'))
    queue.onPause?.(() => void ran.push('and again'))
    queue.enqueue({
      runTurn() {
        ran.push('a')
        queue.enqueue({ runTurn: () => void ran.push('b') })
      },
    })
    await immediate()
    expect(ran).toEqual(['a', 'b', 'pause', 'and again'])
    ran.length = 0
    const count = 10_000
    let turns = 0
    for (let index = 0; index < count; index += 1) {
      queue.enqueue({
        runTurn() {
          turns += 1
          ran.push('turn')
        },
      })
    }
    while (turns < count) await immediate()
    expect(ran.indexOf('pause')).toBeLessThan(count / 2)
    expect(ran.at(-1)).toBe('and again')
  })
})
