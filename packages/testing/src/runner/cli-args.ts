import { parseArgs } from 'node:util'
import { TestingError } from '../platform/errors.ts'
import { parseCount, parseDuration, parseSeed } from './parse-setting.ts'

/** What the command line asks for. */
export type CliCommand =
  | { readonly command: 'help' }
  | ({ readonly command: 'run' } & RunArgs)
  | ({ readonly command: 'replay' | 'shrink' | 'trace' } & CaseArgs)

export interface RunArgs {
  readonly file: string
  /** The simulation of that name only. */
  readonly only?: string
  /** One seed. */
  readonly seed?: number
  readonly seeds?: number
  /** The first seed. */
  readonly from: number
  readonly timeMs?: number
  readonly jobs: number
  readonly hangMs: number
  readonly keepGoing: boolean
  readonly json: boolean
}

export interface CaseArgs {
  /** A module, with `seed`, or a saved case. */
  readonly file: string
  readonly only?: string
  readonly seed?: number
  readonly hangMs: number
  readonly json: boolean
  /** Where to write the trace, by form. */
  readonly traces: Readonly<Partial<Record<TraceForm, string>>>
}

export type TraceForm = 'html' | 'chrome' | 'jsonl'

export const usage = `skerry-sim: runs simulations of Skerry clusters

  skerry-sim run FILE [--seeds 1000] [--time 10m] [--jobs 2]   many seeds
  skerry-sim replay FILE-or-JSON [--seed N]                    one case, twice, with the end of its trace
  skerry-sim shrink FILE-or-JSON [--seed N]                    the smallest case that fails alike
  skerry-sim trace  FILE-or-JSON [--seed N] --html out.html | --chrome out.json | --jsonl out.jsonl

FILE is a module that exports simulations (defineSimulation). JSON is a case that was saved to .sim beside it.
Cases that were moved to .sim/regress are replayed before any seed.

  --seeds N       how many seeds; default: what the simulation says, or no end if --time is given
  --from N        the first of them; default 1
  --seed N        this seed only
  --time T        no new seed after this time (30s, 10m, 1h), shared by the simulations of FILE
  --jobs N        threads; default 1
  --only NAME     the simulation of this name, if FILE exports several
  --hang T        a seed that makes no progress for so long is given up; default 30s
  --keep-going    go on after a failure, up to 100 of them
  --json          one JSON document on stdout; default: text

Exit codes: 0 all passed, 1 something failed, 2 wrong usage or definition, 3 some seeds without an answer, no failure.`

const flags = {
  seeds: { type: 'string' },
  from: { type: 'string' },
  seed: { type: 'string' },
  time: { type: 'string' },
  jobs: { type: 'string' },
  only: { type: 'string' },
  hang: { type: 'string' },
  'keep-going': { type: 'boolean' },
  json: { type: 'boolean' },
  html: { type: 'string' },
  chrome: { type: 'string' },
  jsonl: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const ofRun: readonly string[] = ['seeds', 'from', 'seed', 'time', 'jobs', 'only', 'hang', 'keep-going', 'json']
const ofCase: readonly string[] = ['seed', 'only', 'hang', 'json']
const ofTrace: readonly string[] = [...ofCase, 'html', 'chrome', 'jsonl']
const allowed: Readonly<Record<string, readonly string[]>> = {
  run: ofRun,
  replay: ofTrace,
  shrink: ofCase,
  trace: ofTrace,
}

const hangMsDefault = 30_000

/** Reads a command line without the program's name. Throws `ERR_BAD_OPTION`. */
export function parseCommandLine(args: readonly string[]): CliCommand {
  const { values, positionals } = parsed(args)
  const [command, file, ...rest] = positionals
  if (values.help === true || command === 'help') return { command: 'help' }
  if (command === undefined) throw bad('which command? run, replay, shrink or trace')
  const known = allowed[command]
  if (known === undefined) throw bad(`there is no command "${command}"`)
  if (file === undefined || file === '' || rest.length > 0) throw bad(`"${command}" takes one file`)
  const stray = Object.keys(values).find((key) => !known.includes(key))
  if (stray !== undefined) throw bad(`"${command}" has no option --${stray}`)

  const { only, seed } = values
  const common = {
    file,
    ...(only !== undefined && { only }),
    ...(seed !== undefined && { seed: parseSeed('--seed', seed) }),
    hangMs: values.hang === undefined ? hangMsDefault : parseDuration('--hang', values.hang),
    json: values.json ?? false,
  }
  if (command === 'run') return { command, ...common, ...runArgs(values) }
  const { html, chrome, jsonl } = values
  const traces = {
    ...(html !== undefined && { html }),
    ...(chrome !== undefined && { chrome }),
    ...(jsonl !== undefined && { jsonl }),
  }
  if (command === 'trace' && Object.keys(traces).length === 0) throw bad('"trace" needs --html, --chrome or --jsonl')
  return { command: command as 'replay' | 'shrink' | 'trace', ...common, traces }
}

type Values = ReturnType<typeof parsed>['values']

function runArgs(values: Values): Omit<RunArgs, 'file' | 'only' | 'seed' | 'hangMs' | 'json'> {
  const { seeds, from, seed, time, jobs } = values
  if (seed !== undefined && (seeds !== undefined || from !== undefined || time !== undefined)) {
    throw bad('--seed does not go with --seeds, --from or --time')
  }
  return {
    ...(seeds !== undefined && { seeds: parseCount('--seeds', seeds) }),
    from: from === undefined ? 1 : parseSeed('--from', from),
    ...(time !== undefined && { timeMs: parseDuration('--time', time) }),
    jobs: jobs === undefined ? 1 : parseCount('--jobs', jobs),
    keepGoing: values['keep-going'] ?? false,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true })
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error))
  }
}

function bad(message: string): TestingError {
  return new TestingError('ERR_BAD_OPTION', message)
}
