import type { Clock, Timer } from '../platform/clock.ts'

/** Something that gives up at a moment. The links belong to the queue it is in. */
export interface Deadline {
  deadlineMs: number
  previous: Deadline | undefined
  next: Deadline | undefined
  list: DeadlineList | undefined
  expire(): void
}

/** Deadlines of one duration: added at the tail, so that they stand in order of time. */
export interface DeadlineList {
  readonly durationMs: number
  head: Deadline | undefined
  tail: Deadline | undefined
  timer: Timer | undefined
}

/**
 * Many deadlines on few timers. A timer for each call costs four times the call itself; but calls share a handful of
 * durations, and within one duration the first to start is the first to expire. So each duration has a linked list
 * and at most one timer, which is not touched when a deadline is met: when it fires it looks at the head and sleeps on.
 * Node's own timers work the same way.
 */
export class DeadlineQueue {
  readonly #clock: Clock
  readonly #lists = new Map<number, DeadlineList>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Expires `deadline` after `durationMs` (rounded up to whole milliseconds) unless it is removed before. */
  add(deadline: Deadline, durationMs: number): void {
    const rounded = Math.ceil(durationMs)
    let list = this.#lists.get(rounded)
    if (list === undefined) {
      list = { durationMs: rounded, head: undefined, tail: undefined, timer: undefined }
      this.#lists.set(rounded, list)
    }
    deadline.deadlineMs = this.#clock.monotonic() + rounded
    deadline.list = list
    deadline.next = undefined
    deadline.previous = list.tail
    if (list.tail === undefined) list.head = deadline
    else list.tail.next = deadline
    list.tail = deadline
    if (list.timer === undefined) this.#arm(list, rounded)
  }

  /** Does nothing when it is not in the queue. */
  remove(deadline: Deadline): void {
    const list = deadline.list
    if (list === undefined) return
    if (deadline.previous === undefined) list.head = deadline.next
    else deadline.previous.next = deadline.next
    if (deadline.next === undefined) list.tail = deadline.previous
    else deadline.next.previous = deadline.previous
    deadline.list = undefined
    deadline.previous = undefined
    deadline.next = undefined
  }

  /** Cancels every timer. Nothing in it expires any more. */
  stop(): void {
    for (const list of this.#lists.values()) list.timer?.cancel()
    this.#lists.clear()
  }

  #arm(list: DeadlineList, delayMs: number): void {
    list.timer = this.#clock.after(delayMs, () => this.#fire(list))
  }

  #fire(list: DeadlineList): void {
    list.timer = undefined
    const now = this.#clock.monotonic()
    for (let head = list.head; head !== undefined && head.deadlineMs <= now; head = list.head) {
      this.remove(head)
      head.expire()
    }
    if (list.head === undefined) {
      // An idle list would be kept for every duration ever used; a new one costs little.
      if (list.timer === undefined) this.#lists.delete(list.durationMs)
    } else if (list.timer === undefined) {
      this.#arm(list, Math.max(list.head.deadlineMs - now, 0))
    }
  }
}
