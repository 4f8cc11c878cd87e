import type { RunCase, RunFailure, RunResult } from '../../src/simulation/run-result.ts'
import type { SimCase } from '../../src/simulation/sim-case.ts'
import type { TraceEvent } from '../../src/trace/trace-event.ts'

export function caseOf(seed: number): SimCase {
  return { seed, nodes: [{ name: 'syd-1', region: 'syd' }], durationMs: 1_000, faults: [] }
}

export function eventOf(i: number, more: Partial<TraceEvent> = {}): TraceEvent {
  return { i, t: i * 1_000, node: 'syd-1', kind: 'turn', cause: i - 1, ...more }
}

export function failureOf(invariant: string): RunFailure {
  return { invariant, message: `${invariant} does not hold`, atMs: 12.5, event: 1_234 }
}

export function resultOf(simCase: SimCase, more: Partial<RunResult> = {}): RunResult {
  return {
    case: simCase,
    failure: undefined,
    hash: `hash-${simCase.seed}`,
    events: 10,
    virtualMs: 500,
    ops: [],
    properties: [],
    escapes: [],
    lastEvents: [],
    ...more,
  }
}

/** A run that is decided by a table; it counts how often it is asked. */
export function runOf(of: (simCase: SimCase, nth: number) => Partial<RunResult>): RunCase & { asked: number } {
  const run = Object.assign(
    (simCase: SimCase) => {
      run.asked += 1
      return Promise.resolve(resultOf(simCase, of(simCase, run.asked)))
    },
    { asked: 0 },
  )
  return run
}
