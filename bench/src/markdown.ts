import { headings, linesOf } from './lines.ts'
import type { MachineFacts } from './machine.ts'
import type { SuiteResult } from './row.ts'

/** Results as RESULTS.md shows them: the machine, then one table a suite. */
export function printMarkdown(results: readonly SuiteResult[]): string {
  return [printMachine(results[0]!.machine), ...results.map(printSuite)].join('\n\n')
}

function printMachine({ date, cpu, cpus, memoryGib, os, node }: MachineFacts): string {
  return `${date}. ${cpu}, ${cpus} CPUs, ${memoryGib} GiB, ${os}, Node ${node}.`
}

function printSuite({ suite, machine, rows }: SuiteResult): string {
  const lines = [headings, headings.map(() => '---'), ...rows.flatMap(linesOf)]
  const printed = lines.map((cells) => `| ${cells.join(' | ')} |`)
  return `### ${suite} (load before: ${machine.loadBefore})\n\n${printed.join('\n')}`
}
