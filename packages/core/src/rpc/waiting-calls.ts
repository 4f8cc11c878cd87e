import { patientPart, standingMs } from './load-limits.ts'

/** What waits for its turn. The links belong to the queue that it is in. */
export interface WaitingCall<T> {
  readonly arrivedMs: number
  /** It waits no longer than until here: what is left after that is for its work. */
  readonly giveUpMs: number
  older: T | undefined
  newer: T | undefined
}

/**
 * The calls of one procedure that wait for their turn. As long as all of them get it in time, the oldest goes first. A
 * queue in which they don't, or soon won't, stands: more comes than can be done, and first come, first served would give
 * every turn to a call whose caller has given up by the time it's done. So the newest goes first, which has the most time
 * left, and the others are given back while they can still be tried elsewhere. The idea is Facebook's adaptive LIFO ("Fail
 * at Scale"), which takes a queue for standing that was not empty for a while: but one that is always a little full, as
 * with a few callers more than places, serves everyone soon, and would starve its oldest.
 */
export class WaitingCalls<T extends WaitingCall<T>> {
  #oldest: T | undefined
  #newest: T | undefined
  #length = 0
  #hopelessMs = -Infinity

  get length(): number {
    return this.#length
  }

  push(call: T): void {
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
    if (next === undefined) return undefined
    if (next.giveUpMs <= nowMs) this.#hopelessMs = nowMs
    this.remove(next)
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

  /** Whether one has waited for most of the time that it may, or was given up lately. */
  isStanding(nowMs: number): boolean {
    const oldest = this.#oldest
    if (oldest === undefined) return false
    if (nowMs - this.#hopelessMs <= standingMs) return true
    return nowMs - oldest.arrivedMs > (oldest.giveUpMs - oldest.arrivedMs) * patientPart
  }

  /** Takes out those whose time for waiting is over. Looks at all. */
  takeHopeless(nowMs: number): T[] {
    const hopeless: T[] = []
    for (let call = this.#oldest; call !== undefined;) {
      const { newer } = call
      if (call.giveUpMs <= nowMs) {
        this.remove(call)
        this.#hopelessMs = nowMs
        hopeless.push(call)
      }
      call = newer
    }
    return hopeless
  }
}
