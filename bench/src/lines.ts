import type { Row, Verdict } from './row.ts'

export const headings = ['what', 'Skerry', 'unit', 'beside', 'its figure', 'ratio', 'goal', 'met']

/** A row as lines of cells, one for each peer and for each goal without a figure of a peer. There is at least one. */
export function linesOf(row: Row): string[][] {
  const beside = Object.entries(row.versus).map(([peer, value]) => [
    peer,
    printNumber(value),
    // Nothing is no multiple of nothing.
    value === 0 ? '' : `${(row.value / value).toFixed(2)}x`,
    ...goalCells(row.goals.find((goal) => goal.peer === peer)),
  ])
  const alone = row.goals
    .filter(({ peer }) => peer === null || row.versus[peer] === undefined)
    .map((goal) => [goal.peer ?? '', '', '', ...goalCells(goal)])
  const lines = [...beside, ...alone]
  if (lines.length === 0) lines.push(['', '', '', '', ''])
  return lines.map((cells, index) => [
    ...(index === 0 ? [row.quantity, printNumber(row.value), row.unit] : ['', '', '']),
    ...cells,
  ])
}

function goalCells(goal: Verdict | undefined): string[] {
  if (goal === undefined) return ['', '']
  return [goal.text, goal.ok === null ? 'not judged' : goal.ok ? 'yes' : '**no**']
}

function printNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
}
