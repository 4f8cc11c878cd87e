import type { Clock, Timer } from '../platform/clock.ts'
import type { Turn, TurnQueue } from '../platform/turn-queue.ts'

/** Something that gives up at a moment. */
export interface Deadline {
  /** The queue's own: where it stands, or its duration if its time has not begun. `undefined` when it is in none. */
  place: DeadlinePlace | number | undefined
  expire(): void
}

/** Where a deadline stands among those of its duration. */
export interface DeadlinePlace {
  readonly deadline: Deadline
  readonly list: DeadlineList
  readonly atMs: number
  previous: DeadlinePlace | undefined
  next: DeadlinePlace | undefined
}

/** Deadlines of one duration: added at the tail, so that they stand in order of time. */
interface DeadlineList {
  readonly durationMs: number
  head: DeadlinePlace | undefined
  tail: DeadlinePlace | undefined
  timer: Timer | undefined
}

/**
 * With more durations than these, one that has no deadline left is forgotten at once, and not when its timer fires: peers choose
 * durations too.
 */
const idleListsMax = 256

/**
 * Many deadlines on few timers. A timer for each call costs four times the call itself; but calls share a handful of
 * durations, and within one duration the first to start is the first to expire. So each duration has a linked list
 * and at most one timer, which is not touched when a deadline is met: when it fires it looks at the head and sleeps on.
 * Node's own timers work the same way.
 */
export class DeadlineQueue {
  readonly #clock: Clock
  readonly #turns: TurnQueue | undefined
  readonly #pauses: boolean
  readonly #lists = new Map<number, DeadlineList>()
  /** Added by `addSoon` since the last pause, with some of those that were met meanwhile: as many as a burst of turns adds. */
  #recent: Deadline[] = []
  /** Whether a turn waits that was put there for the pause behind it. */
  #isPauseSure = false

  /** Without `turns`, or with such as know no pauses, `addSoon` is `add`. */
  constructor(clock: Clock, turns?: TurnQueue) {
    this.#clock = clock
    this.#turns = turns
    this.#pauses = turns?.onPause !== undefined
    turns?.onPause?.(() => this.#begin())
  }

  /**
   * Expires `deadline` after `durationMs` (rounded up to whole milliseconds) unless it is removed before. Gives that moment. `now`, where
   * the caller has just read the clock.
   */
  add(deadline: Deadline, durationMs: number, now: number = this.#clock.monotonic()): number {
    return this.#add(deadline, durationMs, now)
  }

  /**
   * The same, where a turn is waiting, but its time begins with the next pause of the turns: later by a few milliseconds, or by a
   * turn that takes longer; never earlier. A deadline that is met by then costs no clock read, which is a third of a call
   * between two actors of a thread, and no place in a list.
   */
  addSoon(deadline: Deadline, durationMs: number): void {
    if (!this.#pauses) {
      this.add(deadline, durationMs)
      return
    }
    deadline.place = durationMs
    this.#recent.push(deadline)
  }

  /** The same where maybe no turn is waiting: one is made to, that does nothing, once for all that come before the pause. */
  addBehindTurns(deadline: Deadline, durationMs: number): void {
    if (this.#pauses && !this.#isPauseSure) {
      this.#isPauseSure = true
      this.#turns?.enqueue(nothing)
    }
    this.addSoon(deadline, durationMs)
  }

  /** Milliseconds until it expires; all of its time, if that has not begun. 0: it is in no queue. */
  leftMs({ place }: Deadline): number {
    if (typeof place === 'object') return place.atMs - this.#clock.monotonic()
    return place ?? 0
  }

  /** The turns pause: the time begins of those that were added by `addSoon` and not met yet. */
  #begin(): void {
    this.#isPauseSure = false
    if (this.#recent.length === 0) return
    const recent = this.#recent
    this.#recent = []
    let now: number | undefined
    for (const deadline of recent) {
      if (typeof deadline.place !== 'number') continue
      now ??= this.#clock.monotonic()
      this.#add(deadline, deadline.place, now)
    }
  }

  #add(deadline: Deadline, durationMs: number, now: number): number {
    const rounded = Math.ceil(durationMs)
    let list = this.#lists.get(rounded)
    if (list === undefined) {
      list = { durationMs: rounded, head: undefined, tail: undefined, timer: undefined }
      this.#lists.set(rounded, list)
    }
    const place: DeadlinePlace = { deadline, list, atMs: now + rounded, previous: list.tail, next: undefined }
    deadline.place = place
    if (list.tail === undefined) list.head = place
    else list.tail.next = place
    list.tail = place
    if (list.timer === undefined) this.#arm(list, rounded)
    return place.atMs
  }

  /** Does nothing when it is not in the queue. */
  remove(deadline: Deadline): void {
    const { place } = deadline
    if (place === undefined) return
    deadline.place = undefined
    if (typeof place === 'object') {
      takeOut(place)
      if (place.list.head === undefined && this.#lists.size > idleListsMax) this.#giveUp(place.list)
    }
    // Of calls made one after another it is always the last, and the pause finds nothing to do.
    else if (this.#recent[this.#recent.length - 1] === deadline) this.#recent.pop()
  }

  /** Cancels every timer. Nothing in it expires any more. */
  stop(): void {
    for (const list of this.#lists.values()) list.timer?.cancel()
    this.#lists.clear()
    for (const deadline of this.#recent) deadline.place = undefined
    this.#recent = []
  }

  #giveUp(list: DeadlineList): void {
    list.timer?.cancel()
    list.timer = undefined
    // Another one may have taken its place meanwhile.
    if (this.#lists.get(list.durationMs) === list) this.#lists.delete(list.durationMs)
  }

  #arm(list: DeadlineList, delayMs: number): void {
    list.timer = this.#clock.after(delayMs, () => this.#fire(list))
  }

  #fire(list: DeadlineList): void {
    list.timer = undefined
    const now = this.#clock.monotonic()
    for (let head = list.head; head !== undefined && head.atMs <= now; head = list.head) {
      this.remove(head.deadline)
      head.deadline.expire()
    }
    if (list.head === undefined) {
      // An idle list would be kept for every duration ever used; a new one costs little.
      if (list.timer === undefined) this.#giveUp(list)
    } else if (list.timer === undefined) {
      this.#arm(list, Math.max(list.head.atMs - now, 0))
    }
  }
}

const nothing: Turn = { runTurn() {} }

function takeOut(place: DeadlinePlace): void {
  const { list, previous, next } = place
  if (previous === undefined) list.head = next
  else previous.next = next
  if (next === undefined) list.tail = previous
  else next.previous = previous
  // One that was taken out long ago would keep all that were added after it alive, garbage or not: a young collection takes
  // what an old object points to for living, also where that is dead itself. It was half of the collector's work.
  place.previous = undefined
  place.next = undefined
}
