import type { Fault } from '../fault/fault.ts'
import type { SimCase } from '../simulation/sim-case.ts'

type Weaken = (simCase: SimCase) => SimCase

/** What to try one after the other: each makes the case that it is given a little simpler to read or to explain. */
export function weakerCases(simCase: SimCase): readonly Weaken[] {
  const faults = simCase.faults.map((_, index) => index)
  return [
    (given) => ({ ...given, jitter: false }),
    (given) => ({ ...given, order: 'fifo' }),
    ...faults.flatMap((index) => [
      ...[0.1, 0.5].map((part) => changed(index, (fault) => shorter(fault, part))),
      changed(index, milder),
      ...[1_000, 100, 10].map((step) => changed(index, (fault) => rounder(fault, step))),
    ]),
    ...[1_000, 100].map((step): Weaken => {
      return (given) => ({ ...given, durationMs: Math.ceil(given.durationMs / step) * step })
    }),
  ]
}

function changed(index: number, change: (fault: Fault) => Fault): Weaken {
  return (given) => ({ ...given, faults: given.faults.map((fault, at) => (at === index ? change(fault) : fault)) })
}

function shorter(fault: Fault, part: number): Fault {
  return 'forMs' in fault ? { ...fault, forMs: Math.ceil(fault.forMs * part) } : fault
}

/** The kinder one of two sorts, or half as strong. */
function milder(fault: Fault): Fault {
  switch (fault.kind) {
    case 'crash':
      return { ...fault, files: 'keep', silent: false }
    case 'partition':
      return { ...fault, oneWay: false }
    case 'skew':
      return { ...fault, driftPpm: 0 }
    case 'slow':
      return { ...fault, turnUs: Math.ceil(fault.turnUs / 2) }
    case 'clog':
      return { ...fault, extraMs: Math.ceil(fault.extraMs / 2) }
    case 'loss':
      return { ...fault, duplicate: 0, reorder: 0 }
    case 'reset':
      return { ...fault, halfOpen: false }
    case 'flap':
    case 'regionLoss':
    case 'pause':
    case 'threadLoss':
      return fault
  }
}

function rounder(fault: Fault, step: number): Fault {
  const atMs = Math.round(fault.atMs / step) * step
  return 'forMs' in fault ? { ...fault, atMs, forMs: Math.ceil(fault.forMs / step) * step } : { ...fault, atMs }
}
