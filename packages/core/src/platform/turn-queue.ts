import { performance } from 'node:perf_hooks'
import { RingQueue } from '../base/ring-queue.ts'
import { runInTrace } from './trace-context.ts'

/** One step of one actor: it handles at most one message. */
export interface Turn {
  runTurn(): void
  /** Whose step it is, where it is an actor's. Only the order of turns of one actor, and of all others, is promised in simulation. */
  readonly pid?: { readonly serial: number }
  /** What a trace calls it. */
  readonly label?: string
}

/** Decides when the next turn runs. In simulation each turn is one event of a seeded queue. */
export interface TurnQueue {
  /** Runs `turn` soon, never synchronously, after the turns enqueued before it. `runTurn` must not throw. */
  enqueue(turn: Turn): void
  /**
   * Runs `turn` once no other is left, or before others wait for the event loop: what gathers the work of many turns,
   * such as a batch, goes there. Where this is absent `enqueue` does.
   */
  enqueueLast?(turn: Turn): void
  /**
   * Runs `turn` once neither turns nor promises have anything left to do: behind all that follows from what was read in one go. What
   * gathers the work of all that, such as a write to a socket, goes there. Where this is absent `enqueueLast` or `enqueue` does.
   */
  enqueueIdle?(turn: Turn): void
  /**
   * Asked by what hands on that which was read from a socket or a port: whether this thread was busy for more than a millisecond
   * since it was asked last, so that more than this may have come meanwhile. Never within a turn. Where this is absent
   * whatever has come is read before any turn runs.
   */
  isReadingLate?(): boolean
  /**
   * A whole number by which the turn that is run differs from the last million before it; `undefined` outside of turns. Where this is
   * absent nobody counts them.
   */
  turn?(): number | undefined
  /** Runs `turn` once every socket and port was read from again, if it has anything. There where `isReadingLate` is. */
  enqueueBehindReads?(turn: Turn): void
  /**
   * Calls `run` from now on whenever turns have run and none is left, and before others wait for the event loop: so behind
   * each turn, though not at once. It costs a turn less than `enqueueLast` each time does. Must not throw.
   */
  onPause?(run: () => void): void
}

/** Behind all that follows from what is being done now, as far as the queue can tell. */
export function enqueueWhenIdle(turns: TurnQueue, turn: Turn): void {
  if (turns.enqueueIdle !== undefined) turns.enqueueIdle(turn)
  else if (turns.enqueueLast !== undefined) turns.enqueueLast(turn)
  else turns.enqueue(turn)
}

/** Told around every turn, for a watchdog. Must not throw. */
export interface TurnObserver {
  began(turn: Turn): void
  ended(): void
}

// A turn in a microtask costs about an eighth of one behind setImmediate, but microtasks alone would starve sockets and
// timers. After this many turns, or this long, the rest waits for the event loop to come round. That costs about 5 us: with
// 512 turns it was a thirtieth of a local call.
const turnsPerBudget = 2_048
const budgetMs = 4
// A clock read costs up to a third of a call. So it is read after 8 turns, then after 16 and 32 as long as turns are short: 32
// is how many turns that have suddenly become long may run over the budget.
const turnsToReadMin = 8
const turnsToReadMax = 32
const shortTurnMs = 0.01
const lateMs = 1

/** The turn queue of one thread: turns run as microtasks while the budget lasts, then after `setImmediate`. */
export function systemTurnQueue(observer?: TurnObserver): TurnQueue {
  const turns = new RingQueue<Turn>(1024)
  // The oldest, if none was waiting when it came: one actor's burst, and a call and its answer, then need no place in the ring.
  let first: Turn | undefined
  const settled = Promise.resolve()
  const last = new RingQueue<Turn>(16)
  let pausing: (() => void) | undefined
  let scheduled = false
  let isInTurns = false
  let askedMs = 0
  let idleMs = 0
  let turnsLeft = turnsPerBudget
  /** How often turns were begun with, and others than these were run in between: makes the number of a turn, with those that are left. */
  let bursts = 0
  let budgetStarted = 0
  /** The clock is read when so many turns are left. */
  let readAtTurnsLeft = turnsPerBudget - turnsToReadMin
  let turnsToRead = turnsToReadMin
  let readMs = 0

  function run(): void {
    isInTurns = true
    bursts += 1
    // Otherwise all turns would belong to the trace of whoever enqueued the first. Also where nobody traces: called from here, what runs
    // the turns is compiled as one piece with this, and a local call takes a tenth longer.
    runInTrace(undefined, runTurns)
    isInTurns = false
  }

  function runTurns(): void {
    for (;;) {
      let turn = first
      if (turn === undefined) turn = turns.shift()
      else first = undefined
      if (turn === undefined) {
        // They may enqueue others.
        if (last.length > 0) {
          runLast()
          continue
        }
        pausing?.()
        scheduled = false
        return
      }
      observer?.began(turn)
      turn.runTurn()
      observer?.ended()
      turnsLeft -= 1
      if (turnsLeft <= readAtTurnsLeft && isBudgetUsedUp()) {
        runLast()
        pausing?.()
        setImmediate(runWithFreshBudget)
        return
      }
    }
  }

  function runOutside(turn: Turn): void {
    runInTrace(undefined, () => turn.runTurn())
  }

  function runLast(): void {
    // What they enqueue as last comes after turns that they enqueue.
    for (let left = last.length; left > 0; left -= 1) {
      last.shift()?.runTurn()
      bursts += 1
    }
  }

  function isBudgetUsedUp(): boolean {
    const now = performance.now()
    if (turnsLeft <= 0 || now - budgetStarted > budgetMs) return true
    const areShort = now - readMs < turnsToRead * shortTurnMs
    turnsToRead = areShort ? Math.min(turnsToRead * 2, turnsToReadMax) : turnsToReadMin
    readAtTurnsLeft = Math.max(turnsLeft - turnsToRead, 0)
    readMs = now
    return false
  }

  function runWithFreshBudget(): void {
    turnsLeft = turnsPerBudget
    budgetStarted = performance.now()
    readMs = budgetStarted
    readAtTurnsLeft = turnsLeft - turnsToRead
    run()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    // Not queueMicrotask: Node makes it pay for an AsyncResource each time.
    void settled.then(run)
  }

  return {
    enqueue(turn) {
      if (first === undefined && turns.length === 0) first = turn
      else turns.push(turn)
      schedule()
    },
    enqueueLast(turn) {
      last.push(turn)
      schedule()
    },
    enqueueIdle(turn) {
      process.nextTick(runOutside, turn)
    },
    isReadingLate() {
      if (isInTurns) return false
      const now = performance.now()
      const { idleTime } = performance.nodeTiming
      const busyMs = now - askedMs - (idleTime - idleMs)
      askedMs = now
      idleMs = idleTime
      return busyMs > lateMs
    },
    turn() {
      return isInTurns ? ((bursts << 12) - turnsLeft) | 0 : undefined
    },
    enqueueBehindReads(turn) {
      setImmediate(runOutside, turn)
    },
    onPause(told) {
      const others = pausing
      pausing =
        others === undefined
          ? told
          : () => {
              others()
              told()
            }
    },
  }
}
