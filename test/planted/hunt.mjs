import { readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// The entry of a process that runs simulations in a copy of the repository, until one fails. It prints each run, as a line
// of JSON, before it begins it, so that its parent can tell one that hangs.

/**
 * @typedef {object} Run
 * @property {string} simulation
 * @property {number} seed
 */

/**
 * What a process is to do: a hunt, which takes one seed of each simulation, then the next of each, so that none is
 * preferred but for those of many nodes, which take as long as ten rounds of all others, and are taken behind every tenth; or the
 * runs that failed elsewhere.
 *
 * @typedef {object} Orders
 * @property {string} root of the copy
 * @property {number} [from] the seed that the hunt begins with
 * @property {number} [first] the number of the hunt's run to begin with, from 0
 * @property {number} [most] the runs of the whole hunt
 * @property {readonly Run[]} [runs]
 */

/**
 * What it prints: `failure` behind the run that failed, which is the last line then.
 *
 * @typedef {object} Line
 * @property {Run} run
 * @property {{ readonly invariant: string, readonly message: string }} [failure]
 */

/** @type {Orders} */
const orders = JSON.parse(process.argv[2] ?? '{}')
const { resolveCase, runCase } = await load('packages/testing/dist/index.js')
const simulations = await loadSimulations()
/** Those of many nodes, by name. */
const wide = new Set(
  Object.values(await load('test/swarm/dist/wide.js'))
    .filter(isSimulation)
    .map(({ name }) => name),
)
const roundsToOneWide = 10

for (const run of orders.runs ?? runsOfHunt()) {
  print({ run })
  const failure = await failureOf(run)
  if (failure === undefined) continue
  print({ run, failure })
  break
}

/** @returns {Generator<Run>} */
function* runsOfHunt() {
  const { from = 1, first = 0, most = 0 } = orders
  const all = [...simulations.keys()]
  const quick = all.filter((name) => !wide.has(name))
  const slow = all.filter((name) => wide.has(name))
  const quickRuns = quick.length * roundsToOneWide
  for (let taken = first; taken < most; taken += 1) {
    const cycle = Math.floor(taken / (quickRuns + slow.length))
    const at = taken % (quickRuns + slow.length)
    const behindFirst = at - quick.length
    if (behindFirst >= 0 && behindFirst < slow.length) yield { simulation: slow[behindFirst] ?? '', seed: from + cycle }
    else {
      const nth = behindFirst < 0 ? at : at - slow.length
      const round = cycle * roundsToOneWide + Math.floor(nth / quick.length)
      yield { simulation: quick[nth % quick.length] ?? '', seed: from + round }
    }
  }
}

/**
 * @param {Run} run
 * @returns {Promise<Line['failure']>}
 */
async function failureOf(run) {
  const simulation = simulations.get(run.simulation)
  const { failure } = await runCase(simulation, resolveCase(simulation, run.seed), { hash: false })
  // One that took too many events says nothing: a swarm reports it, and goes on.
  if (failure === undefined || failure.invariant === 'inconclusive') return undefined
  return { invariant: failure.invariant, message: failure.message }
}

/** All that the modules of the swarm export, by name. */
async function loadSimulations() {
  const folder = 'test/swarm/dist'
  const files = readdirSync(join(orders.root, folder), { recursive: true, encoding: 'utf8' })
  const modules = await Promise.all(
    files.filter((file) => file.endsWith('.js')).map((file) => load(join(folder, file))),
  )
  const found = modules.flatMap((module) => Object.values(module)).filter(isSimulation)
  return new Map(found.map((simulation) => [simulation.name, simulation]))
}

/** @param {any} value */
function isSimulation(value) {
  return typeof value === 'object' && value !== null && 'app' in value && 'regions' in value
}

/** @param {string} file */
function load(file) {
  return import(pathToFileURL(join(orders.root, file)).href)
}

/** @param {Line} line */
function print(line) {
  // At once, whatever the next run does to this process.
  writeSync(1, `${JSON.stringify(line)}\n`)
}
