import { headings, linesOf } from './lines.ts'
import type { SuiteResult } from './row.ts'

/** A result for people: one line a row and peer, with our share of the peer's figure. */
export function printTable({ suite, rows }: SuiteResult): string {
  const cells = rows.flatMap((row) => linesOf(row))
  const widths = headings.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]!.length)))
  const printed = [headings, ...cells].map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column]!, column))
      .join('  ')
      .trimEnd(),
  )
  return `${suite}\n${printed.map((line) => `  ${line}`).join('\n')}\n`
}

const numberColumns = [1, 4, 5]

function pad(cell: string, width: number, column: number): string {
  return numberColumns.includes(column) ? cell.padStart(width) : cell.padEnd(width)
}
