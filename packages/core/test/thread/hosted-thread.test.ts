import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import type { KernelStats } from '../../src/actor/kernel-stats.ts'
import type { ThreadHandle } from '../../src/platform/threads.ts'
import type { Turn } from '../../src/platform/turn-queue.ts'
import { HostedThread } from '../../src/thread/hosted-thread.ts'
import { orphanGraceMs } from '../../src/thread/orphan.ts'

const stats = { actors: 3 } as unknown as KernelStats

describe('a thread as main sees it', () => {
  it('is posted what was said before it was started, in order, once it is', async () => {
    const { thread, posted, begin } = hosted()
    thread.channel.sendNow({ type: 'echo' })
    thread.channel.sendNow({ type: 'tableWritten' })
    expect(posted).toEqual([])
    begin()
    thread.channel.sendNow({ type: 'echo' })
    expect(posted).toHaveLength(3)
  })

  it('is started at once, or after its time, and not at all once it is closed', async () => {
    const { thread, clock, started } = hosted()
    thread.startIn(0, () => started.push('now'))
    expect(started).toEqual(['now'])
    thread.startIn(100, () => started.push('later'))
    await clock.advance(99)
    expect(started).toEqual(['now'])
    await clock.advance(1)
    expect(started).toEqual(['now', 'later'])
    thread.startIn(100, () => started.push('never'))
    thread.close()
    await clock.advance(100)
    expect(started).toEqual(['now', 'later'])
  })

  it('says what it holds, within a second', async () => {
    const { thread, clock, begin } = hosted()
    begin()
    const [first, second, third] = [thread.inspect(1), thread.inspect(2), thread.inspect(3)]
    thread.inspected(2, stats)
    expect(await second).toBe(stats)
    thread.close()
    expect([await first, await third]).toEqual([undefined, undefined])
    const silent = thread.inspect(4)
    await clock.advance(1_000)
    expect(await silent).toBeUndefined()
    thread.inspected(4, stats)
    expect(clock.pending).toBe(0)
  })

  it('that does not read of the end of its parent is told of, once, and one that reads it is not', async () => {
    const { thread, clock, begin } = hosted()
    begin()
    let unread = 0
    const expectRead = (): void => thread.expectRead(() => (unread += 1))
    expectRead()
    await clock.advance(orphanGraceMs - 1)
    thread.hasRead()
    expectRead()
    await clock.advance(1_000)
    expectRead()
    await clock.advance(orphanGraceMs - 1_000)
    expect(unread).toBe(1)
    await clock.advance(orphanGraceMs)
    expect(unread).toBe(1)
  })

  it('ends for the reason that was known first, but for what its root says itself', () => {
    const order = (...steps: ((thread: HostedThread) => void)[]) => {
      const { thread } = hosted()
      for (const step of steps) step(thread)
      return thread.ended
    }
    const failed = (thread: HostedThread): void => thread.begun('boom')
    const killed = (thread: HostedThread): void => thread.end('killed')
    const said = (thread: HostedThread): void => thread.rootEnded('shutdown')
    expect([order(killed, failed), order(failed, killed)]).toEqual(['killed', 'boom'])
    expect([order(killed, said), order(said, killed)]).toEqual(['shutdown', 'shutdown'])
  })

  it('is blamed on one actor only', () => {
    const { thread } = hosted()
    expect(thread.blame({ serial: 8, reason: 'killed' })).toBe(true)
    expect(thread.blame({ serial: 9, reason: 'killed' })).toBe(false)
    expect(thread.blamed).toEqual({ serial: 8, reason: 'killed' })
  })

  it('has lived from its start, and not before', async () => {
    const { thread, clock, begin } = hosted()
    await clock.advance(500)
    expect(thread.livedMs(clock.monotonic())).toBe(0)
    begin()
    await clock.advance(700)
    expect(thread.livedMs(clock.monotonic())).toBe(700)
  })
})

function hosted() {
  const clock = virtualClock()
  const posted: unknown[] = []
  const thread = new HostedThread({
    home: { node: 'a', life: 1 },
    letters: {} as never,
    number: 2,
    slot: undefined,
    root: undefined,
    turns: { enqueue: (turn: Turn) => turn.runTurn() },
    blockedMs: 1_000,
    clock,
  })
  const begin = (): void =>
    thread.begin({ post: (batch) => void posted.push(batch), drain() {}, terminate() {} } as ThreadHandle)
  const started: string[] = []
  return { thread, clock, posted, begin, started }
}
