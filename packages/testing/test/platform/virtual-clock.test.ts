import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

describe('virtualClock', () => {
  it('stands still until it is advanced, then both times move by the same amount', async () => {
    const clock = virtualClock({ startWallMs: 5_000 })
    expect([clock.monotonic(), clock.wall()]).toEqual([0, 5_000])
    await clock.advance(1_500.5)
    expect([clock.monotonic(), clock.wall()]).toEqual([1_500.5, 6_500.5])
  })

  it('runs timers by deadline, and those of one deadline by creation', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    for (const [name, delay] of [
      ['d', 30],
      ['a', 10],
      ['c', 20],
      ['b', 10],
      ['e', 30],
    ] as const) {
      clock.after(delay, () => ran.push(`${name}@${clock.monotonic()}`))
    }
    await clock.advance(29)
    expect(ran).toEqual(['a@10', 'b@10', 'c@20'])
    await clock.advance(1)
    expect(ran).toEqual(['a@10', 'b@10', 'c@20', 'd@30', 'e@30'])
    expect(clock.pending).toBe(0)
  })

  it('never runs a timer synchronously, not even one without a delay', async () => {
    const clock = virtualClock()
    let ran = false
    clock.after(0, () => (ran = true))
    expect(ran).toBe(false)
    await clock.advance(0)
    expect(ran).toBe(true)
  })

  it('settles between two timers of the same deadline', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    clock.after(10, () => {
      ran.push('first')
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => ran.push('what follows from the first'))
    })
    clock.after(10, () => ran.push('second'))
    await clock.advance(10)
    expect(ran).toEqual(['first', 'what follows from the first', 'second'])
  })

  it('runs timers that are set while it advances, when they are due in the same advance', async () => {
    const clock = virtualClock()
    const ran: number[] = []
    const again = (): void => {
      ran.push(clock.monotonic())
      clock.after(10, again)
    }
    clock.after(10, again)
    await clock.advance(35)
    expect(ran).toEqual([10, 20, 30])
    expect(clock.monotonic()).toBe(35)
  })

  it('runs timers that promises set before the advance, and after the last timer', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    void Promise.resolve().then(() => clock.after(10, () => ran.push('set by a promise')))
    await clock.advance(10)
    clock.after(5, () => void Promise.resolve().then(() => clock.after(0, () => ran.push('set at the end'))))
    await clock.advance(5)
    expect(ran).toEqual(['set by a promise', 'set at the end'])
  })

  it('does not run a cancelled timer, and cancelling again or late does nothing', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    const timers = ['a', 'b', 'c'].map((name) => clock.after(10, () => ran.push(name)))
    timers[1]?.cancel()
    timers[1]?.cancel()
    expect(clock.pending).toBe(2)
    await clock.advance(10)
    clock.after(10, () => ran.push('d'))
    timers[0]?.cancel()
    await clock.advance(10)
    expect(ran).toEqual(['a', 'c', 'd'])
  })

  it('does not run a timer that another one of the same deadline cancels', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    clock.after(10, () => later.cancel())
    const later = clock.after(10, () => ran.push('later'))
    await clock.advance(10)
    expect(ran).toEqual([])
  })

  it('caps delays as the system clock does', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    clock.after(-5, () => ran.push('negative'))
    clock.after(Infinity, () => ran.push('endless'))
    await clock.advance(0)
    expect(ran).toEqual(['negative'])
    await clock.advance(2 ** 31 - 1)
    expect(ran).toEqual(['negative', 'endless'])
  })

  it('advances to the next deadline, all timers of it, and says when there is none', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    clock.after(0.1 + 0.2, () => ran.push('a'))
    clock.after(0.1 + 0.2, () => ran.push('b'))
    clock.after(9, () => ran.push('c'))
    expect(await clock.advanceToNext()).toBe(true)
    expect(ran).toEqual(['a', 'b'])
    expect(await clock.advanceToNext()).toBe(true)
    expect(clock.monotonic()).toBe(9)
    expect(await clock.advanceToNext()).toBe(false)
    expect(clock.monotonic()).toBe(9)
  })

  it('gives up with ERR_TOO_MANY_TIMERS on a timer that sets itself again without a delay', async () => {
    const clock = virtualClock({ timersMax: 50 })
    let ran = 0
    const again = (): void => {
      ran += 1
      clock.after(0, again)
    }
    clock.after(7, again)
    await expect(clock.advance(10)).rejects.toMatchObject({ code: 'ERR_TOO_MANY_TIMERS' })
    expect([ran, clock.monotonic()]).toEqual([50, 7])
  })

  it('rejects with what a timer throws, and goes on from there', async () => {
    const clock = virtualClock()
    const ran: string[] = []
    clock.after(10, () => {
      throw new Error('broken timer')
    })
    clock.after(20, () => ran.push('next'))
    await expect(clock.advance(30)).rejects.toThrow('broken timer')
    expect(clock.monotonic()).toBe(10)
    await clock.advance(10)
    expect(ran).toEqual(['next'])
  })

  it('refuses time that runs backwards, and two advances at a time', async () => {
    const clock = virtualClock()
    await expect(clock.advance(-1)).rejects.toThrow('does not advance')
    await expect(clock.advance(Number.NaN)).rejects.toThrow('does not advance')
    expect(() => clock.after(Number.NaN, () => {})).toThrow('no number')
    const first = clock.advance(1)
    await expect(clock.advance(1)).rejects.toThrow('one caller at a time')
    await first
    expect(clock.monotonic()).toBe(1)
  })
})
