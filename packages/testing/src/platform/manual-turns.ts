import type { Random, Turn, TurnQueue } from '@skerry/core/platform'
import { TestingError } from './errors.ts'

/** A turn queue that runs nothing by itself. */
export interface ManualTurns extends TurnQueue {
  /** Runs one turn; `false` when none waits. */
  runOne(): boolean
  /** Runs turns until none waits, and says how many. Throws `ERR_TOO_MANY_TURNS` past `maxTurns` (default 100,000). */
  runAll(maxTurns?: number): number
  /** How many turns wait. */
  readonly pending: number
}

export interface ManualTurnsOptions {
  /**
   * Draws which of the waiting turns runs next, so that a seed explores other orders than first come, first served
   * (the default). One actor's messages keep their order: an actor has at most one turn waiting.
   */
  readonly pick?: Random
}

const turnsMaxDefault = 100_000

/**
 * Turns that run when the test says so.
 *
 * @example
 * const turns = manualTurns({ pick: seededRandom(7, 'turns') })
 * turns.enqueue({ runTurn() {} })
 * turns.runAll()
 */
export function manualTurns({ pick }: ManualTurnsOptions = {}): ManualTurns {
  let waiting: Turn[] = []
  // First come, first served reads from here; what lies before it has run.
  let head = 0

  function next(): Turn | undefined {
    if (head === waiting.length) return undefined
    if (pick !== undefined) return waiting.splice(pick.int(waiting.length), 1)[0]
    const turn = waiting[head]
    head += 1
    if (head === waiting.length || head === 4096) {
      waiting = waiting.slice(head)
      head = 0
    }
    return turn
  }

  function runOne(): boolean {
    const turn = next()
    turn?.runTurn()
    return turn !== undefined
  }

  return {
    enqueue(turn) {
      waiting.push(turn)
    },
    runOne,
    runAll(maxTurns = turnsMaxDefault) {
      let run = 0
      while (runOne()) {
        run += 1
        if (run === maxTurns && head < waiting.length) throw tooManyTurns(maxTurns)
      }
      return run
    },
    get pending() {
      return waiting.length - head
    },
  }
}

export function tooManyTurns(turnsMax: number): TestingError {
  return new TestingError('ERR_TOO_MANY_TURNS', `Turns were still waiting after ${turnsMax} had run`)
}
