import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailed, root, runNode } from './workspace.mjs'

/** How each folder of examples/ is run, and whether the last line that it prints is right. */
const examples = [
  {
    name: 'hello',
    args: [],
    isRight: (/** @type {string} */ lastLine) => lastLine === 'lax counted 3 visits in syd',
  },
  {
    name: 'hello',
    program: 'many',
    args: [],
    isRight: (/** @type {string} */ lastLine) => lastLine === 'sums 11, 13, 16',
  },
  {
    name: 'three-regions',
    args: ['--json'],
    isRight: (/** @type {string} */ lastLine) => JSON.parse(lastLine).ok === true,
  },
  {
    name: 'three-regions',
    args: ['--transport', 'nats', '--json'],
    isRight: (/** @type {string} */ lastLine) => JSON.parse(lastLine).ok === true,
    // What it says and how it ends where it can't run.
    isMissing: (/** @type {string} */ output) => /there is no nats-server here/.test(output),
  },
  {
    name: 'simulate-a-partition',
    args: [],
    isRight: (/** @type {string} */ lastLine) =>
      /^the bug was found at seed \d+ and shrunk to 1 fault; the fixed app passed \d+ seeds$/.test(lastLine),
  },
]

/**
 * Runs every example as a test; each gets two minutes. Throws at the first that fails.
 *
 * @returns {Promise<{ passed: number, failed: number, skipped: string[] }>}
 */
export async function runExamples() {
  const unlisted = readdirSync(join(root, 'examples')).filter((name) => !examples.some((known) => known.name === name))
  if (unlisted.length > 0) throw new Error(`not listed in scripts/run-examples.mjs: ${unlisted.join(', ')}`)

  let passed = 0
  /** @type {string[]} */
  const skipped = []
  for (const { name, program = 'main', args, isRight, isMissing } of examples) {
    const title = ['example', `${name}/${program}`, ...args.filter((arg) => arg !== '--json')].join(' ')
    try {
      const { stdout, output } = await runNode(`examples/${name}/dist/${program}.js`, args, { timeoutMs: 120_000 })
      checkLastLine(name, stdout.trimEnd().split('\n').at(-1) ?? '', isRight, output)
    } catch (error) {
      if (!(error instanceof CommandFailed) || isMissing?.(error.output) !== true) throw error
      skipped.push(`${title}: ${error.output.trimEnd().split('\n').at(-1)}`)
      continue
    }
    passed += 1
    console.log(`${title}: ok`)
  }
  return { passed, failed: 0, skipped }
}

/**
 * @param {string} name
 * @param {string} lastLine
 * @param {(lastLine: string) => boolean} isRight
 * @param {string} output
 */
function checkLastLine(name, lastLine, isRight, output) {
  let right = false
  try {
    right = isRight(lastLine)
  } catch (error) {
    throw new CommandFailed(`the last line of examples/${name} can not be read: ${String(error)}`, output)
  }
  if (!right) throw new CommandFailed(`the last line of examples/${name} is wrong: ${lastLine}`, output)
}
