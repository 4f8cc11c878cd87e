import { standingMs } from './load-limits.ts'

/** What waits for its turn. The links belong to the queue that it is in. */
export interface WaitingCall<T> {
  /** It waits no longer than until here: what is left after that is for its work. */
  readonly giveUpMs: number
  older: T | undefined
  newer: T | undefined
}

/**
 * The calls of one procedure that wait for their turn. In a burst the oldest goes first. A queue that stands (that was not
 * empty for a while) shows that more comes than can be done: first come, first served would then give every turn to a
 * call whose caller has given up by the time it's done. So the newest goes first, which has the most time left, and the
 * others are given back while they can still be tried elsewhere. The idea is Facebook's adaptive LIFO ("Fail at Scale").
 */
export class WaitingCalls<T extends WaitingCall<T>> {
  #oldest: T | undefined
  #newest: T | undefined
  #length = 0
  #emptyMs = 0

  get length(): number {
    return this.#length
  }

  push(call: T, nowMs: number): void {
    if (this.#length === 0) this.#emptyMs = nowMs
    call.older = this.#newest
    call.newer = undefined
    if (this.#newest === undefined) this.#oldest = call
    else this.#newest.newer = call
    this.#newest = call
    this.#length += 1
  }

  /** Takes out the one whose turn it is, whether its time is over or not. */
  take(nowMs: number): T | undefined {
    const next = this.isStanding(nowMs) ? this.#newest : this.#oldest
    if (next !== undefined) this.remove(next)
    return next
  }

  /** Takes out the one that has waited longest. */
  takeOldest(): T | undefined {
    const oldest = this.#oldest
    if (oldest !== undefined) this.remove(oldest)
    return oldest
  }

  /** Takes out one that is in it. */
  remove(call: T): void {
    if (call.older === undefined) this.#oldest = call.newer
    else call.older.newer = call.newer
    if (call.newer === undefined) this.#newest = call.older
    else call.newer.older = call.older
    call.older = undefined
    call.newer = undefined
    this.#length -= 1
  }

  isStanding(nowMs: number): boolean {
    return this.#length > 0 && nowMs - this.#emptyMs > standingMs
  }

  /** Takes out those whose time for waiting is over. Looks at all. */
  takeHopeless(nowMs: number): T[] {
    const hopeless: T[] = []
    for (let call = this.#oldest; call !== undefined;) {
      const { newer } = call
      if (call.giveUpMs <= nowMs) {
        this.remove(call)
        hopeless.push(call)
      }
      call = newer
    }
    return hopeless
  }
}
