import type { MachineFacts } from './machine.ts'
import type { Row, SuiteResult } from './row.ts'
import { printNumber } from './table.ts'

/** Results as RESULTS.md shows them: the machine, then one table a suite. */
export function printMarkdown(results: readonly SuiteResult[]): string {
  return [printMachine(results[0]!.machine), ...results.map(printSuite)].join('\n\n')
}

function printMachine({ date, cpu, cpus, memoryGib, os, node }: MachineFacts): string {
  return `${date}. ${cpu}, ${cpus} CPUs, ${memoryGib} GiB, ${os}, Node ${node}.`
}

function printSuite({ suite, machine, rows }: SuiteResult): string {
  const head = ['what', 'Skerry', 'unit', 'beside', 'its figure', 'ratio', 'goal', 'met']
  const lines = [head, head.map(() => '---'), ...rows.flatMap(linesOf)].map((cells) => `| ${cells.join(' | ')} |`)
  return `### ${suite} (load before: ${machine.loadBefore})\n\n${lines.join('\n')}`
}

function linesOf(row: Row): string[][] {
  return Object.entries(row.versus).map(([peer, value], index) => {
    const isGoals = row.goal?.endsWith(` ${peer}`) === true
    return [
      ...(index === 0 ? [row.quantity, printNumber(row.value), row.unit] : ['', '', '']),
      peer,
      printNumber(value),
      `${(row.value / value).toFixed(2)}x`,
      ...(isGoals ? [row.goal?.split(' ').slice(0, 2).join(' ') ?? '', row.ok ? 'yes' : '**no**'] : ['', '']),
    ]
  })
}
