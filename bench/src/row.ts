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
  readonly goals: readonly Verdict[]
  /** All goals in one line, such as `">= 0.6x bare promise mailbox; <= 100 ms"`; null: none is set. */
  readonly goal: string | null
  /** Whether no goal is missed. A goal whose peer is not on this machine is not missed. */
  readonly ok: boolean
}

export interface SuiteResult {
  readonly suite: string
  readonly machine: MachineFacts
  readonly rows: readonly Row[]
}

/** What our figure should be: a multiple of one peer's, or so many of the row's unit. */
export interface Goal {
  readonly compare: '>=' | '<='
  readonly factor: number
  /** Default: none, and `factor` is in the row's unit. */
  readonly peer?: string
  /** Why it can't be judged in this run, where that is so. */
  readonly unjudged?: string | undefined
}

export interface Verdict {
  /** `">= 0.6x"`, or `"<= 100 ms"` where no peer is compared with. */
  readonly text: string
  readonly peer: string | null
  /** Null: the peer was not measured, or the goal can't be judged. */
  readonly ok: boolean | null
}

export interface RowSpec {
  readonly id: string
  readonly quantity: string
  readonly unit: string
  /** Which of the figures it is about. */
  readonly figure: string
  readonly goals?: readonly Goal[]
}

/** How the figures name ourselves. */
export const skerry = 'skerry'

/** Takes a row out of what a contest gave: our own figure, and that of all others. */
export function rowOf(medians: ReadonlyMap<string, Figures>, spec: RowSpec): Row {
  const versus: Record<string, number> = {}
  for (const [name, figures] of medians) if (name !== skerry) versus[name] = rounded(figures[spec.figure]!)
  const value = rounded(medians.get(skerry)![spec.figure]!)
  const goals = (spec.goals ?? []).map((goal) => verdictOf(goal, value, spec.unit, versus))
  return {
    id: spec.id,
    quantity: spec.quantity,
    value,
    unit: spec.unit,
    versus,
    goals,
    goal:
      goals.length === 0 ? null : goals.map(({ text, peer }) => (peer === null ? text : `${text} ${peer}`)).join('; '),
    ok: goals.every(({ ok }) => ok !== false),
  }
}

function verdictOf(
  { compare, factor, peer, unjudged }: Goal,
  value: number,
  unit: string,
  versus: Readonly<Record<string, number>>,
): Verdict {
  if (peer === undefined) {
    const text = `${compare} ${factor.toLocaleString('en-US')} ${unit}`
    return { text, peer: null, ok: isMet(compare, value, factor) }
  }
  if (unjudged !== undefined) return { text: `${compare} ${factor}x (not judged: ${unjudged})`, peer, ok: null }
  const its = versus[peer]
  return { text: `${compare} ${factor}x`, peer, ok: its === undefined ? null : isMet(compare, value / its, factor) }
}

function isMet(compare: Goal['compare'], value: number, bound: number): boolean {
  return compare === '>=' ? value >= bound : value <= bound
}

// Four digits are more than any of these measurements is good for.
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
