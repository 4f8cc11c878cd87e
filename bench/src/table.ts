import type { Row, SuiteResult } from './row.ts'

/** A result for people: one line a row and peer, with our share of the peer's figure. */
export function printTable({ suite, rows }: SuiteResult): string {
  const cells = rows.flatMap((row) => linesOf(row))
  const head = ['', 'ours', 'unit', 'beside', 'its figure', 'ratio', 'goal', '']
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]!.length)))
  const printed = [head, ...cells].map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column]!, column))
      .join('  ')
      .trimEnd(),
  )
  return `${suite}\n${printed.map((line) => `  ${line}`).join('\n')}\n`
}

function linesOf(row: Row): string[][] {
  const verdict = row.goal === null ? '' : row.ok ? 'met' : 'MISSED'
  const own = [row.quantity, printNumber(row.value), row.unit]
  const peers = Object.entries(row.versus)
  if (peers.length === 0) return [[...own, '', '', '', row.goal ?? '', verdict]]
  return peers.map(([peer, value], index) => {
    const isGoals = row.goal?.endsWith(` ${peer}`) === true
    const goal = isGoals ? [row.goal?.split(' ').slice(0, 2).join(' ') ?? '', verdict] : ['', '']
    return [
      ...(index === 0 ? own : ['', '', '']),
      peer,
      printNumber(value),
      `${(row.value / value).toFixed(2)}x`,
      ...goal,
    ]
  })
}

const numberColumns = [1, 4, 5]

function pad(cell: string, width: number, column: number): string {
  return numberColumns.includes(column) ? cell.padStart(width) : cell.padEnd(width)
}

export function printNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
}
