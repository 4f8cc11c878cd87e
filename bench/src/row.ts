import type { Figures } from './contest.ts'
import type { MachineFacts } from './machine.ts'

/** One line of a result: what was measured of us, and of each peer in the same run, in the same unit. */
export interface Row {
  /** The suite and, within it, the quantity: `kernel/call-p50`. */
  readonly id: string
  readonly quantity: string
  readonly value: number
  readonly unit: string
  readonly versus: Readonly<Record<string, number>>
  /** What the ratio of `value` to one peer's value should be, such as `">= 0.6x bare promise mailbox"`; null: none is set. */
  readonly goal: string | null
  /** Whether the goal is met. Without a goal it is true. */
  readonly ok: boolean
}

export interface SuiteResult {
  readonly suite: string
  readonly machine: MachineFacts
  readonly rows: readonly Row[]
}

export interface Goal {
  readonly compare: '>=' | '<='
  readonly factor: number
  readonly peer: string
}

export interface RowSpec {
  readonly id: string
  readonly quantity: string
  readonly unit: string
  /** Which of the figures it is about. */
  readonly figure: string
  readonly goal?: Goal
}

/** How the figures name ourselves. */
export const skerry = 'skerry'

/** Takes a row out of what a contest gave: our own figure, and that of all others. */
export function rowOf(medians: ReadonlyMap<string, Figures>, { id, quantity, unit, figure, goal }: RowSpec): Row {
  const value = rounded(medians.get(skerry)![figure]!)
  const versus: Record<string, number> = {}
  for (const [name, figures] of medians) if (name !== skerry) versus[name] = rounded(figures[figure]!)
  return {
    id,
    quantity,
    value,
    unit,
    versus,
    goal: goal === undefined ? null : `${goal.compare} ${goal.factor}x ${goal.peer}`,
    ok: goal === undefined || isMet(goal, value / versus[goal.peer]!),
  }
}

function isMet({ compare, factor }: Goal, ratio: number): boolean {
  return compare === '>=' ? ratio >= factor : ratio <= factor
}

// Four digits are more than any of these measurements is good for.
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
