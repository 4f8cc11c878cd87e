import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { type GuardedThread, PoolGuard } from '../../src/thread/pool-guard.ts'
import { killGraceMs, type Stuck } from '../../src/thread/pool-watch.ts'
import type { Blame } from '../../src/thread/thread-loss.ts'

// A look every 250 ms.
const blockedMs = 1_000

describe('a thread of the pool', () => {
  it('that is stuck in a turn of an actor ends for it, once', async () => {
    const { guard, clock, counters, thread, logged } = guarded()
    const stuck = thread(1)
    guard.watch()
    stuck.stuck = { actor: { serial: 8, label: 'loop' }, blockedMs }
    await clock.advance(600)
    const reason = { type: 'error', name: 'ActorError', code: 'ERR_THREAD_BLOCKED', message: expect.any(String) }
    expect(stuck.log).toEqual([{ serial: 8, reason }, 'terminate'])
    expect([counters.stuckThreads, logged]).toEqual([1, [{ thread: 1, actor: '<a/1/1/8>', blockedMs }]])
  })

  it('that is stuck in nobody’s turn ends for nobody', async () => {
    const { guard, clock, thread } = guarded()
    const stuck = thread(1)
    guard.watch()
    stuck.stuck = { actor: undefined, blockedMs }
    await clock.advance(250)
    expect(stuck.log).toEqual([{ serial: 0, reason: 'threadlost' }, 'terminate'])
  })

  it('is not looked at before it has said something, unless some actor has its turn there', async () => {
    const { guard, clock, thread } = guarded()
    const booting = thread(1, { hasSpoken: false })
    booting.stuck = { actor: undefined, blockedMs }
    guard.watch()
    await clock.advance(5_000)
    expect(booting.log).toEqual([])
    booting.watch.isInTurn = true
    await clock.advance(250)
    expect(booting.log).toHaveLength(2)
  })

  it('is looked at as long as there are any', async () => {
    const { guard, clock, threads, thread } = guarded()
    thread(1)
    guard.watch()
    threads.clear()
    await clock.advance(1_000)
    const later = thread(2)
    later.stuck = { actor: undefined, blockedMs }
    await clock.advance(1_000)
    expect(later.log).toEqual([])
    guard.watch()
    await clock.advance(250)
    expect(later.log).toHaveLength(2)
  })

  it('and no other is ended by it', async () => {
    const { guard, clock, thread } = guarded()
    const own = thread(1, { isPooled: false })
    thread(2)
    own.stuck = { actor: undefined, blockedMs }
    guard.watch()
    guard.expectEnd(pidOf(1, 1))
    own.turn = { runs: 1, of: 1 }
    await clock.advance(1_000)
    expect(own.log).toEqual([])
  })
})

describe('an actor that was sent a kill', () => {
  it('and whose turn goes on takes its thread along, by its own name', async () => {
    const { guard, clock, thread } = guarded()
    const its = thread(1)
    its.turn = { runs: 8, of: 1 }
    guard.expectEnd(pidOf(1, 8))
    await clock.advance(killGraceMs - 1)
    expect(its.log).toEqual([])
    await clock.advance(1)
    expect(its.log).toEqual([{ serial: 8, reason: 'killed' }, 'terminate'])
  })

  it('and whose turn ended in time does no harm', async () => {
    const { guard, clock, thread } = guarded()
    const its = thread(1)
    its.turn = { runs: 8, of: 1 }
    guard.expectEnd(pidOf(1, 8))
    its.turn = { runs: 9, of: 2 }
    await clock.advance(1_000)
    expect(its.log).toEqual([])
  })

  it('and has another turn by then, behind which the kill lies, is looked at again', async () => {
    const { guard, clock, thread } = guarded()
    const its = thread(1)
    its.turn = { runs: 8, of: 1 }
    guard.expectEnd(pidOf(1, 8))
    its.turn = { runs: 8, of: 2 }
    await clock.advance(killGraceMs)
    expect(its.log).toEqual([])
    await clock.advance(killGraceMs)
    expect(its.log).toEqual([{ serial: 8, reason: 'killed' }, 'terminate'])
  })

  it('in a thread that still boots is looked at until that speaks, or is gone', async () => {
    const { guard, clock, threads, thread } = guarded()
    const its = thread(1, { hasSpoken: false })
    guard.expectEnd(pidOf(1, 8))
    await clock.advance(5 * killGraceMs)
    its.turn = { runs: 8, of: 1 }
    await clock.advance(2 * killGraceMs)
    expect(its.log).toEqual([{ serial: 8, reason: 'killed' }, 'terminate'])
    thread(2, { hasSpoken: false })
    guard.expectEnd(pidOf(2, 8))
    threads.clear()
    await clock.advance(2 * killGraceMs)
    expect(clock.pending).toBe(0)
  })

  it('and then is found stuck was killed, which is no error of its own', async () => {
    const { guard, clock, thread } = guarded()
    const its = thread(1, { hasSpoken: false })
    guard.watch()
    guard.expectEnd(pidOf(1, 8))
    its.watch.isInTurn = true
    its.stuck = { actor: { serial: 8, label: 'loop' }, blockedMs }
    await clock.advance(250)
    expect(its.log[0]).toEqual({ serial: 8, reason: 'killed' })
  })
})

interface FakeThread extends GuardedThread {
  /** Whom it was ended for, and that it was. */
  readonly log: (Blame | 'terminate')[]
  readonly watch: { isInTurn: boolean } & GuardedThread['watch']
  stuck: Stuck | undefined
  /** Whose turn it is, and the how manieth. */
  turn: { readonly runs: number; readonly of: number } | undefined
}

function guarded() {
  const clock = virtualClock()
  const counters = { stuckThreads: 0 }
  const logged: object[] = []
  const threads = new Map<number, FakeThread>()
  const guard = new PoolGuard({
    node: { node: 'a', life: 1 },
    clock,
    log: { error: (fields) => void logged.push(fields) },
    counters,
    blockedMs,
    threads,
  })
  const thread = (number: number, kind: { hasSpoken?: boolean; isPooled?: boolean } = {}): FakeThread => {
    const made = fakeThread(number, kind)
    threads.set(number, made)
    return made
  }
  return { guard, clock, counters, logged, threads, thread }
}

function fakeThread(number: number, { hasSpoken = true, isPooled = true }): FakeThread {
  const log: FakeThread['log'] = []
  const thread: FakeThread = {
    number,
    hasSpoken,
    isPooled,
    log,
    stuck: undefined,
    turn: undefined,
    watch: {
      isInTurn: false,
      look: () => thread.stuck,
      turnOf: (serial) => {
        const before = thread.turn
        const stillRuns = () => before?.runs === serial && thread.turn?.runs === serial && thread.turn.of === before.of
        return { stillRuns, runsAnother: () => thread.turn?.runs === serial && !stillRuns() }
      },
    },
    blame: (blame) => {
      if (log.length > 0) return false
      log.push(blame)
      return true
    },
    terminate: () => void log.push('terminate'),
  }
  return thread
}

function pidOf(thread: number, serial: number) {
  return { node: 'a', life: 1, thread, serial }
}
