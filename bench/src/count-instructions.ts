import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figures } from './contest.ts'
import { WaitingLine } from './waiting-line.ts'

/** Whether valgrind is here, with the program that gives it orders. */
export function hasValgrind(): boolean {
  return ['valgrind', 'vgdb'].every((program) => spawnSync(program, ['--help']).status === 0)
}

const calls = 8_192
// Between two slices enough calls for the compiler to change its mind; it has settled when they differ by less than a part.
const roundsMin = 2
const roundsMax = 8
const settledPart = 0.001
// One thread, and nothing in the compiler or the collector that depends on the time or on chance but by the seed.
const v8 = [
  '--single-threaded',
  '--predictable',
  '--predictable-gc-schedule',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
]
// What is made one piece is decided by how long the code is: a line more here makes two pieces there. Without these limits
// the compiler decides alike about all copies.
const unlimited = [
  '--max-inlined-bytecode-size=1500',
  '--max-inlined-bytecode-size-cumulative=3000',
  '--max-optimized-bytecode-size=200000',
  '--min-inlining-frequency=0.01',
]

/**
 * How many instructions a local call of the core whose index has that address takes, one after another (`sequential`) and 100 in flight
 * (`inFlight`), in a process of its own, once the compiler has settled. Of generated code alone, which is the same to a hundredth of an
 * instruction each time: what the engine itself does beside it, such as collecting garbage, comes as it likes. `seed`: of all that is by
 * chance in the engine. `limits`: as they are for everybody, or as good as none, for what the compiler makes one piece.
 */
export async function countInstructions(index: string, seed: number, limits: 'usual' | 'lifted'): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-counts-'))
  const valgrind = spawn(
    'valgrind',
    [
      ...['-q', '--tool=callgrind', '--instr-atstart=no', `--callgrind-out-file=${join(folder, 'counts')}`],
      ...[`--vgdb-prefix=${join(folder, 'vgdb')}`, process.execPath, ...v8, ...(limits === 'lifted' ? unlimited : [])],
      ...[`--random-seed=${seed}`, `--hash-seed=${seed}`],
      ...[fileURLToPath(new URL('counted-calls-process.js', import.meta.url)), index, String(calls)],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const answers = new WaitingLine<void>()
  valgrind.stdout.on('data', (letters: Buffer) => {
    for (let left = letters.length; left > 0; left -= 1) answers.answer()
  })
  const ended = new Promise<void>((resolve) => valgrind.once('exit', () => resolve()))
  const failed = new Promise<never>((_resolve, reject) => {
    valgrind.once('exit', (code) => reject(new Error(`valgrind ended with ${code}`)))
  })
  failed.catch(() => undefined)
  const tell = async (order: string): Promise<void> => {
    const answered = answers.join()
    if (order !== '') valgrind.stdin.write(order)
    await Promise.race([answered, failed])
  }
  const collector = async (...order: readonly string[]): Promise<void> => {
    await promisify(execFile)('vgdb', [`--vgdb-prefix=${join(folder, 'vgdb')}`, `--pid=${valgrind.pid}`, ...order])
  }
  const slicesOf = async (warmUp: string, slice: string): Promise<number> => {
    let [before, count] = [0, 0]
    for (let round = 0; round < roundsMax; round += 1) {
      await tell(warmUp)
      await collector('instrumentation', 'on')
      await collector('zero')
      await tell(slice)
      await collector('dump')
      await collector('instrumentation', 'off')
      before = count
      count = lastCount(folder) / calls
      if (round + 1 >= roundsMin && Math.abs(count - before) < settledPart * count) break
    }
    return Math.min(before, count)
  }
  try {
    await tell('')
    return { sequential: await slicesOf('S', 's'), inFlight: await slicesOf('F', 'f') }
  } finally {
    valgrind.stdin.end()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Of the files `counts.1`, `counts.2` and so on, which valgrind writes one a dump. */
function lastCount(folder: string): number {
  const dumps = readdirSync(folder).filter((name) => /^counts\.\d+$/.test(name)).length
  return countGenerated(readFileSync(join(folder, `counts.${dumps}`), 'utf8'))
}

/**
 * How many instructions of a callgrind dump are code that the engine generated: compiled from JavaScript, which belongs to no file, or
 * one of its builtins. https://valgrind.org/docs/manual/cl-format.html
 */
function countGenerated(dump: string): number {
  const names = new Map<string, string>()
  // A name stands where it comes first, and later its number alone; files and functions are numbered apart.
  const nameOf = (kind: 'file' | 'function', text: string): string => {
    const [, number, name] = /^\((\d+)\)(?: (.*))?$/.exec(text) ?? []
    if (number === undefined) return text
    const key = `${kind} ${number}`
    if (name !== undefined) names.set(key, name)
    return names.get(key) ?? ''
  }
  let file = ''
  let name = ''
  let isOfCall = false
  let count = 0
  for (const line of dump.split('\n')) {
    const [, key, value] = /^(c?ob|c?fn|calls)=(.*)$/.exec(line) ?? []
    if (key === 'ob') file = nameOf('file', value!)
    else if (key === 'fn') name = nameOf('function', value!)
    else if (key === 'cob') nameOf('file', value!)
    else if (key === 'cfn') nameOf('function', value!)
    // The line that follows is what the called function took, which its own lines tell.
    else if (key === 'calls') isOfCall = true
    else if (/^[+\-*\d]/.test(line)) {
      if (!isOfCall && (file === '???' || name.startsWith('Builtins_'))) count += Number(line.split(' ')[1])
      isOfCall = false
    }
  }
  return count
}
