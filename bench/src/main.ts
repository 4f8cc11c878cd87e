import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fullPace, type Pace, quickPace } from './contest.ts'
import { goneSuite } from './gone-suite.ts'
import { lifeSuite } from './life-suite.ts'
import { localSuite } from './local-suite.ts'
import { machineFacts } from './machine.ts'
import { membershipSuite } from './membership-suite.ts'
import { regionTableSuite } from './region-table-suite.ts'
import { printMarkdown } from './markdown.ts'
import type { Row, SuiteResult } from './row.ts'
import { rpcSuite } from './rpc-suite.ts'
import { overloadSuite } from './overload-suite.ts'
import { printTable } from './table.ts'
import { simSuite } from './sim-suite.ts'
import { telemetrySuite } from './telemetry-suite.ts'
import { threadsSuite } from './threads-suite.ts'
import { libp2p3Suite, ownThreadSuite } from './two-transports-suite.ts'

const suites: Readonly<Record<string, (pace: Pace, wants: (row: string) => boolean) => Promise<Row[]>>> = {
  local: localSuite,
  life: lifeSuite,
  threads: threadsSuite,
  gone: goneSuite,
  rpc: rpcSuite,
  'own-thread': ownThreadSuite,
  'libp2p-3': libp2p3Suite,
  overload: overloadSuite,
  'region-table': regionTableSuite,
  membership: membershipSuite,
  telemetry: telemetrySuite,
  sim: simSuite,
}

/** All but the one that needs a newer Node than the others. */
const usual = Object.keys(suites).filter((name) => name !== 'libp2p-3')

/** Several suites under one name. */
const groups: Readonly<Record<string, readonly string[]>> = {
  kernel: ['local', 'life', 'threads'],
}

const usage = `usage: npm run bench -- [suite …] [--json | --markdown] [--quick] [--only=ROW[,ROW …]]
suites: ${Object.keys(suites).join(', ')}; kernel: ${groups['kernel']!.join(', ')}; without one, all but libp2p-3, which runs on Node 26
--json      one line of JSON a suite and, after several, a last line with all rows
--markdown  the tables of RESULTS.md
--quick     very short slices, to see that a suite runs; the figures mean nothing
--only      the rows whose ids begin so; the suite rpc leaves out what measures only others`
const knownFlags = ['--json', '--markdown', '--quick']
const onlyFlag = '--only='

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const named = args.filter((arg) => !arg.startsWith('-'))
  if (
    !flags.every((flag) => knownFlags.includes(flag) || flag.startsWith(onlyFlag)) ||
    !named.every((name) => Object.hasOwn(suites, name) || Object.hasOwn(groups, name))
  ) {
    process.stderr.write(`${usage}\n`)
    return 2
  }
  const names = named.length === 0 ? usual : named.flatMap((name) => groups[name] ?? [name])
  const form = flags.includes('--json') ? 'json' : flags.includes('--markdown') ? 'markdown' : 'table'
  const isQuick = flags.includes('--quick')
  const only = flags.find((flag) => flag.startsWith(onlyFlag))
  const results: SuiteResult[] = []
  for (const name of names) {
    process.stderr.write(`${name} …\n`)
    const result = names.length === 1 ? await runHere(name, isQuick, only) : await runApart(name, isQuick, only)
    results.push(result)
    if (form === 'json') process.stdout.write(`${JSON.stringify(result)}\n`)
    if (form === 'table') process.stdout.write(`${printTable(result)}\n`)
  }
  if (form === 'json' && results.length > 1) process.stdout.write(`${JSON.stringify(all(results))}\n`)
  if (form === 'markdown') process.stdout.write(`${printMarkdown(results)}\n`)
  return 0
}

async function runHere(suite: string, isQuick: boolean, only: string | undefined): Promise<SuiteResult> {
  const machine = machineFacts()
  const wanted = only?.slice(onlyFlag.length).split(',')
  const wants = (row: string): boolean => wanted === undefined || wanted.some((beginning) => row.startsWith(beginning))
  const rows = await suites[suite]!(isQuick ? quickPace : fullPace, wants)
  return { suite, machine, rows: rows.filter(({ id }) => wants(id)) }
}

/** In a process of its own, so that no suite runs on the heap, and the compiled code, that another one has left. */
function runApart(suite: string, isQuick: boolean, only: string | undefined): Promise<SuiteResult> {
  const args = [
    fileURLToPath(import.meta.url),
    suite,
    '--json',
    ...(isQuick ? ['--quick'] : []),
    ...(only === undefined ? [] : [only]),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const last = output.trimEnd().split('\n').at(-1)
      if (code === 0 && last !== undefined) resolve(JSON.parse(last) as SuiteResult)
      else reject(new Error(`the suite ${suite} ended with ${code}:\n${errors}`))
    })
  })
}

function all(results: readonly SuiteResult[]): SuiteResult {
  return { suite: 'all', machine: results[0]!.machine, rows: results.flatMap(({ rows }) => rows) }
}
