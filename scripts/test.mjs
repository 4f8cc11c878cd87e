// npm test: everything that CI runs, in order, until the first failure. The last line adds everything up.
import { join } from 'node:path'
import { packSmoke } from '../test/pack/pack-smoke.mjs'
import { runLibp2p3 } from './libp2p-3.mjs'
import { runExamples } from './run-examples.mjs'
import { runVitest } from './run-vitest.mjs'
import { skippedLines } from './skipped-lines.mjs'
import { setUp } from './set-up.mjs'
import { CommandFailed, runNode } from './workspace.mjs'

/**
 * What a step found. `failed` is for steps that go on after a failure of their own; a step that cannot, throws.
 *
 * @typedef {import('./run-vitest.mjs').Tally} Tally
 */

/** @type {readonly { name: string, run: () => Promise<Tally> }[]} */
const steps = [
  { name: 'set-up', run: () => setUp().then(() => ({ passed: 0, failed: 0, skipped: [] })) },
  { name: 'format', run: () => check('prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.']) },
  { name: 'lint', run: () => check('oxlint/bin/oxlint', ['-c', 'oxlint.config.mjs', '--deny-warnings']) },
  { name: 'types of tests and scripts', run: () => check('typescript/bin/tsc', ['-p', 'tsconfig.test.json']) },
  { name: 'unused files, exports and dependencies', run: () => check('knip/bin/knip.js', []) },
  { name: 'tests', run: () => runVitest(process.execPath, []) },
  { name: 'the adapter for libp2p 3, on a Node that it supports', run: () => runLibp2p3() },
  { name: 'decoders under fuzz', run: runFuzz },
  { name: 'core in simulation', run: runSwarm },
  { name: 'packages as users install them', run: packSmoke },
  { name: 'examples', run: runExamples },
]

/** @type {{ passed: number, failed: number, skipped: string[] }} */
const total = { passed: 0, failed: 0, skipped: [] }

for (const step of steps) {
  await runStep(step)
  if (total.failed > 0) break
}
for (const line of skippedLines(total.skipped)) console.log(line)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`)
process.exitCode = total.failed > 0 ? 1 : 0

/** @param {(typeof steps)[number]} step */
async function runStep({ name, run }) {
  console.log(`\n== ${name}`)
  const startedMs = performance.now()
  try {
    const tally = await run()
    total.passed += tally.passed
    total.failed += tally.failed
    total.skipped.push(...tally.skipped)
  } catch (error) {
    total.failed += 1
    if (error instanceof CommandFailed) console.log(`${error.output}\n${error.message}`)
    else console.log(error)
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(total.failed > 0 ? `\n== FAILED: ${name} (the steps after it did not run)` : `   ok, ${seconds} s`)
}

/**
 * Runs an installed tool that says nothing when all is well; counts as one test.
 *
 * @param {string} tool
 * @param {readonly string[]} args
 * @returns {Promise<Tally>}
 */
async function check(tool, args) {
  await runNode(join('node_modules', tool), args)
  return { passed: 1, failed: 0, skipped: [] }
}

/**
 * A short swarm, of the same seeds every time: 40 of each simulation of core, two of those of many nodes. `npm run swarm` is the
 * long one.
 *
 * @returns {Promise<Tally>}
 */
async function runSwarm() {
  let passed = 0
  for (const [file, seeds] of [
    ['main', '40'],
    ['wide', '2'],
  ]) {
    const args = ['run', `test/swarm/dist/${file}.js`, '--jobs', '2', '--seeds', `${seeds}`]
    const { stdout } = await runNode('packages/testing/bin/skerry-sim.mjs', args, { timeoutMs: 600_000 })
    console.log(stdout.trimEnd())
    passed += stdout.split('\n').filter((line) => / 0 failed, 0 without an answer/.test(line)).length
  }
  return { passed, failed: 0, skipped: [] }
}

/**
 * Every decoder with the inputs that are kept and some thousands of new ones, the same ones every time. `npm run fuzz` is
 * the long one.
 *
 * @returns {Promise<Tally>}
 */
async function runFuzz() {
  await runNode('node_modules/typescript/bin/tsc', ['-b', 'test/fuzz'])
  const args = ['--runs', '2000', '--seed', '1', '--jobs', '2']
  const { stdout } = await runNode('test/fuzz/dist/skerry-fuzz.js', args)
  console.log(stdout.trimEnd())
  return {
    passed: stdout.split('\n').filter((line) => / inputs, \d+ kept$/.test(line)).length,
    failed: 0,
    skipped: [],
  }
}
