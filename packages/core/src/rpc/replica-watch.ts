import { type ErrorData, errorData } from '../base/error-data.ts'
import type { Clock, Timer } from '../platform/clock.ts'

/** The local replica of a database, as read-your-writes needs it. */
export interface Replica {
  /**
   * Whether the replica has the write of that token: a query, mostly. Asked at most 16 times at once, once a token at a time. One that
   * gives no answer within 30 s counts as failed, and no more as asked.
   */
  reached(token: string): boolean | Promise<boolean>
  /**
   * Calls `listener` after each progress of the replica, until the function that it gives back is called. Only used while
   * somebody waits. Without it, `reached` is asked every 50 ms.
   */
  onProgress?(listener: () => void): () => void
}

export type ReplicaAnswer = 'reached' | 'late' | 'full' | 'noReplica' | { readonly failed: ErrorData }

const waitersMaxDefault = 10_000
const checksMax = 16
// One that hangs must not keep its place for ever: 16 of them, and nobody would be answered any more.
const checkMsMax = 30_000
const pollMs = 50

interface Waiter {
  readonly settle: (answer: ReplicaAnswer) => void
  timer: Timer | undefined
}

interface ReplicaWatchOptions {
  readonly waitersMax?: number
  readonly threw?: (thrown: unknown) => void
}

/** All who wait for one token. */
interface Group {
  readonly token: string
  readonly waiters: Set<Waiter>
  isChecked: boolean
  /** There was progress while it was asked: what it answers may be older than that. */
  isStale: boolean
}

/**
 * Who waits for the replica. One who comes is registered first and the replica is asked then: the other way round, progress
 * between the two would wake nobody, and he would wait for the next one, or in vain. Progress while the replica is asked
 * makes it be asked again, for the same reason.
 */
export class ReplicaWatch {
  readonly #replica: Replica
  readonly #clock: Clock
  readonly #waitersMax: number
  readonly #threw: (thrown: unknown) => void
  readonly #groups = new Map<string, Group>()
  /** Those to be asked for, in order. */
  readonly #line = new Set<Group>()
  #waiting = 0
  #checks = 0
  #unsubscribe: (() => void) | undefined

  /** `threw`: told what the replica threw when it was told that nobody listens any more. */
  constructor(
    replica: Replica,
    clock: Clock,
    { waitersMax = waitersMaxDefault, threw = () => undefined }: ReplicaWatchOptions = {},
  ) {
    this.#replica = replica
    this.#clock = clock
    this.#waitersMax = waitersMax
    this.#threw = threw
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Gives back what ends the wait without an answer. */
  wait(token: string, timeoutMs: number, settle: (answer: ReplicaAnswer) => void): () => void {
    if (this.#waiting >= this.#waitersMax) {
      settle('full')
      return () => undefined
    }
    const group = this.#groups.get(token) ?? { token, waiters: new Set(), isChecked: false, isStale: false }
    this.#groups.set(token, group)
    const waiter: Waiter = { settle, timer: undefined }
    group.waiters.add(waiter)
    this.#waiting += 1
    waiter.timer = this.#clock.after(timeoutMs, () => {
      this.#remove(group, waiter)
      settle('late')
    })
    if (this.#subscribe(group)) this.#ask(group)
    return () => this.#remove(group, waiter)
  }

  /** Nobody is answered any more. */
  stop(): void {
    for (const group of this.#groups.values()) for (const { timer } of group.waiters) timer?.cancel()
    this.#groups.clear()
    this.#line.clear()
    this.#waiting = 0
    this.#settleDown()
  }

  #subscribe(group: Group): boolean {
    if (this.#unsubscribe !== undefined) return true
    const progress = (): void => {
      for (const one of [...this.#groups.values()]) this.#ask(one)
    }
    try {
      this.#unsubscribe = this.#replica.onProgress?.(progress) ?? this.#poll(progress)
      return true
    } catch (thrown) {
      this.#settle(group, { failed: errorData(thrown) })
      return false
    }
  }

  #poll(progress: () => void): () => void {
    let timer = this.#clock.after(pollMs, function again(this: void) {
      progress()
      timer = clock.after(pollMs, again)
    })
    const clock = this.#clock
    return () => timer.cancel()
  }

  #ask(group: Group): void {
    if (group.isChecked) group.isStale = true
    else {
      this.#line.add(group)
      this.#askNext()
    }
  }

  #askNext(): void {
    for (const group of this.#line) {
      if (this.#checks >= checksMax) return
      this.#line.delete(group)
      void this.#check(group)
    }
  }

  async #check(group: Group): Promise<void> {
    group.isChecked = true
    group.isStale = false
    this.#checks += 1
    const answer = await this.#answerFor(group.token)
    this.#checks -= 1
    group.isChecked = false
    if (answer !== undefined) this.#settle(group, answer)
    else if (group.isStale && group.waiters.size > 0) this.#line.add(group)
    this.#askNext()
  }

  /** What the replica says of a token; `undefined`: not yet. */
  #answerFor(token: string): Promise<ReplicaAnswer | undefined> {
    return new Promise((resolve) => {
      const failed = (thrown: unknown): void => {
        timer.cancel()
        resolve({ failed: errorData(thrown) })
      }
      const timer = this.#clock.after(checkMsMax, () => failed(new Error(`No answer within ${checkMsMax} ms`)))
      const ask = async (): Promise<boolean> => this.#replica.reached(token)
      ask().then((hasReached) => {
        timer.cancel()
        resolve(hasReached ? 'reached' : undefined)
      }, failed)
    })
  }

  #settle(group: Group, answer: ReplicaAnswer): void {
    for (const waiter of [...group.waiters]) {
      this.#remove(group, waiter)
      waiter.settle(answer)
    }
  }

  #remove(group: Group, waiter: Waiter): void {
    if (!group.waiters.delete(waiter)) return
    waiter.timer?.cancel()
    this.#waiting -= 1
    if (group.waiters.size === 0 && this.#groups.get(group.token) === group) {
      this.#groups.delete(group.token)
      this.#line.delete(group)
    }
    if (this.#waiting === 0) this.#settleDown()
  }

  #settleDown(): void {
    const unsubscribe = this.#unsubscribe
    this.#unsubscribe = undefined
    // Nobody who waits is to blame for it.
    try {
      unsubscribe?.()
    } catch (thrown) {
      this.#threw(thrown)
    }
  }
}
