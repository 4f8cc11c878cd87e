import { describe, expect, it } from 'vitest'
import type { Turn, TurnQueue } from '../../src/platform/platform.ts'
import { LateReads, readsMax } from '../../src/rpc/late-reads.ts'

/** A thread that was busy or not, and whose sockets are read from when the test says so. */
class Thread implements TurnQueue {
  isLate = true
  caughtUp = 0
  readonly reads = new LateReads(this, () => (this.caughtUp += 1))
  readonly #behind: Turn[] = []

  enqueue(): void {}
  isReadingLate(): boolean {
    return this.isLate
  }
  enqueueBehindReads(turn: Turn): void {
    this.#behind.push(turn)
  }

  /** Everything is read from once, and this many requests or cancellations came. */
  read(came: number): void {
    for (let left = came; left > 0; left -= 1) this.reads.came()
    for (const turn of this.#behind.splice(0)) turn.runTurn()
  }
}

describe('a thread that reads what came', () => {
  it('in time holds nothing back', () => {
    const thread = new Thread()
    thread.isLate = false
    expect(thread.reads.holds()).toBe(false)
  })

  it('late holds back until a round of reads brought nothing', () => {
    const thread = new Thread()
    expect(thread.reads.holds()).toBe(true)
    thread.read(3)
    thread.read(1)
    expect([thread.caughtUp, thread.reads.holds()]).toEqual([0, true])
    thread.read(0)
    thread.isLate = false
    expect([thread.caughtUp, thread.reads.holds()]).toEqual([1, false])
  })

  it('and is never done goes on after so many', () => {
    const thread = new Thread()
    thread.reads.holds()
    for (let read = 1; read < readsMax; read += 1) thread.read(1)
    expect(thread.caughtUp).toBe(0)
    thread.read(1)
    expect(thread.caughtUp).toBe(1)
  })

  it('and has no room for more goes on at once, and once', () => {
    const thread = new Thread()
    thread.reads.holds()
    thread.reads.release()
    thread.reads.release()
    thread.read(0)
    expect(thread.caughtUp).toBe(1)
  })
})
