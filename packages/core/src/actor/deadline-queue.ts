import type { Clock, Timer } from '../platform/clock.ts'
import type { Turn, TurnQueue } from '../platform/turn-queue.ts'

/** Something that gives up at a moment. */
export interface Deadline {
  /** The queue's own: where it stands, or its duration if its time has not begun. `undefined` when it is in none. */
  place: DeadlinePlace | number | undefined
  expire(): void
}

/** Where a deadline, or several that began at one moment, stand among those of their duration. */
export interface DeadlinePlace {
  /** The only one. */
  deadline: Deadline | undefined
  /** Of several, all that have this as their place, and some that were met: no more than of the others, and for a minute at most. */
  members: Deadline[] | undefined
  /** How many have this as their place. */
  left: number
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

/** Longer ones stand alone: of several that share a place some are kept that were met, until most are or their time comes. */
const sharedMsMax = 60_000

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
    return this.#add(deadline, durationMs, now).atMs
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
    let last: DeadlinePlace | undefined
    for (const deadline of recent) {
      const durationMs = deadline.place
      if (typeof durationMs !== 'number') continue
      if (last !== undefined && last.list.durationMs === durationMs && durationMs <= sharedMsMax) {
        join(last, deadline)
        continue
      }
      now ??= this.#clock.monotonic()
      last = this.#add(deadline, durationMs, now)
    }
  }

  #add(deadline: Deadline, durationMs: number, now: number): DeadlinePlace {
    const rounded = Math.ceil(durationMs)
    let list = this.#lists.get(rounded)
    if (list === undefined) {
      list = { durationMs: rounded, head: undefined, tail: undefined, timer: undefined }
      this.#lists.set(rounded, list)
    }
    const atMs = now + rounded
    const previous = list.tail
    const place: DeadlinePlace = { deadline, members: undefined, left: 1, list, atMs, previous, next: undefined }
    deadline.place = place
    if (list.tail === undefined) list.head = place
    else list.tail.next = place
    list.tail = place
    if (list.timer === undefined) this.#arm(list, rounded)
    return place
  }

  /** Does nothing when it is not in the queue. */
  remove(deadline: Deadline): void {
    const { place } = deadline
    if (place === undefined) return
    deadline.place = undefined
    if (typeof place === 'object') {
      place.left -= 1
      if (place.left > 0) forgetMet(place)
      else {
        takeOut(place)
        if (place.list.head === undefined && this.#lists.size > idleListsMax) this.#giveUp(place.list)
      }
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
      // Those that expire may meet others.
      for (const deadline of head.members ?? [head.deadline as Deadline]) {
        if (deadline.place !== head) continue
        this.remove(deadline)
        deadline.expire()
      }
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

/** Its time begins with that of the others there: one place for each would be half of what a deadline costs. */
function join(place: DeadlinePlace, deadline: Deadline): void {
  if (place.members === undefined) {
    place.members = [place.deadline as Deadline]
    place.deadline = undefined
  }
  place.members.push(deadline)
  place.left += 1
  deadline.place = place
}

/** One of several was met. It is kept as long as most of the others are there: to find it would cost more. */
function forgetMet(place: DeadlinePlace): void {
  const members = place.members as Deadline[]
  if (place.left * 2 > members.length) return
  const left: Deadline[] = []
  for (const deadline of members) if (deadline.place === place) left.push(deadline)
  place.members = left
}

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
