// npm run planted: plants known bugs in copies of core, and says how many seeds the simulations need to find each.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { copyOfCore } from '../test/planted/copy-of-core.mjs'
import { BadPatch, planted, readBugs } from '../test/planted/planted-bug.mjs'
import { setUp } from './set-up.mjs'
import { CommandFailed, root, runNode } from './workspace.mjs'

/** @typedef {import('../test/planted/planted-bug.mjs').PlantedBug} PlantedBug */
/** @typedef {import('../test/planted/hunt.mjs').Orders} Orders */
/** @typedef {import('../test/planted/hunt.mjs').Run} Run */
/** @typedef {import('../test/planted/hunt.mjs').Line} Line */

/**
 * How one hunt ended.
 *
 * @typedef {object} Hunt
 * @property {boolean} found
 * @property {number} seeds how many runs it took, each one seed of one simulation
 * @property {Run} [run] the one that found it
 * @property {string} [invariant]
 * @property {string} [message]
 * @property {readonly Run[]} hung those that were given up
 */

/**
 * @typedef {object} BugReport
 * @property {string} name
 * @property {string} what
 * @property {boolean} found by every hunt
 * @property {number | null} medianSeed the median of the hunts' seeds; null: not found
 * @property {readonly Hunt[]} hunts
 */

const usage = `npm run planted -- [options]
  --only NAME   these bugs only; may be given several times
  --seeds N     the seeds that a hunt may take; default 1000
  --hunts N     hunts for each bug, each from another first seed; default 3
  --jobs N      bugs at a time; default 2
  --hang N      seconds without progress after which a run is given up, and found nothing; default 120, as a
                mesh of many nodes is half a minute of a CPU
  --json        one JSON document on standard output
Exit codes: 0 every hunt found its bug, 1 some did not, 2 wrong usage, or a patch or a simulation is broken.`

// The hunts take their seeds from ranges that do not touch.
const huntSeedsApart = 1_000_000

const options = readOptions()
const folder = mkdtempSync(join(tmpdir(), 'skerry-planted-'))
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, giveUp)
try {
  process.exitCode = await main()
  leaveNothing()
} catch (error) {
  if (error instanceof BadPatch) process.stderr.write(`${error.message}\n`)
  else if (error instanceof CommandFailed) process.stderr.write(`${error.output}\n${error.message}\n`)
  else console.error(error)
  giveUp()
}

/** Hunts may be under way: they must not go on. */
function giveUp() {
  leaveNothing()
  process.exit(2)
}

function leaveNothing() {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}

/** Gives back the exit code. */
async function main() {
  const bugs = readBugs(join(root, 'test/planted')).filter(({ name }) => options.only?.includes(name) ?? true)
  const unknown = options.only?.find((name) => !bugs.some((bug) => bug.name === name))
  if (unknown !== undefined) throw new CommandFailed(`there is no planted bug "${unknown}"`, '')
  // All at once, rather than one after the other in the minutes to come.
  for (const bug of bugs) planted(bug, root)
  await setUp()
  await runNode('node_modules/typescript/bin/tsc', ['-b', 'test/swarm'])
  const reports = await inParallel(bugs, huntBug)
  await checkWithoutBugs(reports)
  printReports(reports)
  return reports.every(({ found }) => found) ? 0 : 1
}

/**
 * @param {PlantedBug} bug
 * @returns {Promise<BugReport>}
 */
async function huntBug(bug) {
  const { name, what } = bug
  const copy = join(folder, name)
  await copyOfCore(copy, bug)
  /** @type {Hunt[]} */
  const hunts = []
  while (hunts.length < options.hunts) hunts.push(await hunt(copy, 1 + hunts.length * huntSeedsApart))
  rmSync(copy, { recursive: true, force: true })
  const found = hunts.every((one) => one.found)
  const report = { name, what, found, medianSeed: found ? median(hunts.map(({ seeds }) => seeds)) : null, hunts }
  if (!options.json) process.stdout.write(`${lineOf(report)}\n`)
  return report
}

/**
 * One hunt from this seed on. A run that hangs is given up, and the hunt goes on behind it.
 *
 * @param {string} copy
 * @param {number} from
 * @returns {Promise<Hunt>}
 */
async function hunt(copy, from) {
  const most = options.seeds
  /** @type {Run[]} */
  const hung = []
  for (let first = 0; first < most;) {
    const { last, runs } = await runSimulations({ root: copy, from, first, most })
    first += runs
    if (last.failure !== undefined) return { found: true, seeds: first, run: last.run, ...last.failure, hung }
    if (first < most) hung.push(last.run)
  }
  return { found: false, seeds: most, hung }
}

/**
 * Every run that found a bug must pass without it: else it found something else.
 *
 * @param {readonly BugReport[]} reports
 */
async function checkWithoutBugs(reports) {
  const found = reports.flatMap(({ hunts }) => hunts.flatMap(({ run }) => run ?? []))
  if (found.length === 0) return
  const copy = join(folder, 'without')
  await copyOfCore(copy)
  const { last, runs } = await runSimulations({ root: copy, runs: found })
  const { run, failure } = last
  const says = failure?.message ?? (runs < found.length ? 'it hangs' : undefined)
  if (says !== undefined) {
    throw new CommandFailed(`${run.simulation} fails at seed ${run.seed} without any planted bug: ${says}`, '')
  }
}

/**
 * Has a process run simulations, until one fails or hangs. Rejects with CommandFailed when it ends in another way.
 *
 * @param {Orders} orders
 * @returns {Promise<{ last: Line, runs: number }>} the last line of it, and how many runs it began
 */
function runSimulations(orders) {
  return new Promise((resolve, reject) => {
    const entry = join(root, 'test/planted/hunt.mjs')
    const child = spawn(process.execPath, [entry, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.add(child)
    let problems = ''
    let runs = 0
    /** @type {Line | undefined} */
    let last
    const watchdog = setTimeout(() => child.kill('SIGKILL'), options.hangMs)
    child.stderr.setEncoding('utf8').on('data', (text) => (problems = (problems + text).slice(-4_000)))
    createInterface({ input: child.stdout }).on('line', (text) => {
      watchdog.refresh()
      last = /** @type {Line} */ (JSON.parse(text))
      if (last.failure === undefined) runs += 1
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(watchdog)
      children.delete(child)
      if (last !== undefined && (code === 0 || signal === 'SIGKILL')) resolve({ last, runs })
      else reject(new CommandFailed(`the simulations ended with ${signal ?? code}`, problems))
    })
  })
}

/**
 * @template Item, Result
 * @param {readonly Item[]} items
 * @param {(item: Item) => Promise<Result>} act
 * @returns {Promise<Result[]>} in the order of the items
 */
async function inParallel(items, act) {
  /** @type {Result[]} */
  const results = []
  let next = 0
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await act(/** @type {Item} */ (items[at]))
  }
  await Promise.all(Array.from({ length: options.jobs }, work))
  return results
}

/** @param {readonly BugReport[]} reports */
function printReports(reports) {
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ seedsMax: options.seeds, bugs: reports }, undefined, 2)}\n`)
    return
  }
  const found = reports.filter((report) => report.found)
  const slowest = Math.max(...found.map(({ medianSeed }) => medianSeed ?? 0))
  process.stdout.write(
    `${found.length} of ${reports.length} bugs found by all of ${options.hunts} hunts; median seeds at most ${slowest}\n`,
  )
}

/** @param {BugReport} report */
function lineOf({ name, what, medianSeed, hunts }) {
  const seeds = hunts.map((one) => (one.found ? one.seeds : '-')).join(' ')
  const finders = hunts.flatMap(({ run, invariant }) => (run === undefined ? [] : `${run.simulation}: ${invariant}`))
  const hung = hunts.flatMap((one) => one.hung.map(({ simulation, seed }) => `hung: ${simulation} ${seed}`))
  const head = `${name.padEnd(32)} ${String(medianSeed ?? '-').padStart(5)}  (${seeds})  ${what}`
  return [head, ...new Set(finders), ...hung].join(`\n${' '.repeat(40)}`)
}

/** @param {readonly number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right)
  return /** @type {number} */ (sorted[Math.floor((sorted.length - 1) / 2)])
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        seeds: { type: 'string', default: '1000' },
        hunts: { type: 'string', default: '3' },
        jobs: { type: 'string', default: '2' },
        hang: { type: 'string', default: '120' },
        json: { type: 'boolean', default: false },
      },
    })
    const { only, json } = values
    return {
      only,
      json,
      seeds: count('seeds', values.seeds),
      hunts: count('hunts', values.hunts),
      jobs: count('jobs', values.jobs),
      hangMs: count('hang', values.hang) * 1_000,
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`)
    process.exit(2)
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
function count(name, text) {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} wants a whole number from 1`)
  return number
}
