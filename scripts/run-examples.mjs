import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailed, root, runNode } from './workspace.mjs'

/** What each folder of examples/ must do: exit with 0, its last line the one given or a JSON object with ok: true. */
const examples = [
  { name: 'hello', args: [], lastLine: 'lax counted 3 visits in syd' },
  { name: 'three-regions', args: ['--json'] },
]

/**
 * Runs every example as a test; each gets two minutes. Throws at the first that fails.
 *
 * @returns {Promise<{ passed: number, failed: number, skipped: string[] }>}
 */
export async function runExamples() {
  const unlisted = readdirSync(join(root, 'examples')).filter((name) => !examples.some((known) => known.name === name))
  if (unlisted.length > 0) throw new Error(`not listed in scripts/run-examples.mjs: ${unlisted.join(', ')}`)

  for (const { name, args, lastLine } of examples) {
    const { stdout, output } = await runNode(`examples/${name}/dist/main.js`, args, { timeoutMs: 120_000 })
    const last = stdout.trimEnd().split('\n').at(-1) ?? ''
    if (lastLine === undefined ? !saysOk(last) : last !== lastLine) {
      throw new CommandFailed(
        `examples/${name} did not end with ${lastLine ?? 'a JSON object that has "ok": true'}`,
        output,
      )
    }
    console.log(`example ${name}: ok`)
  }
  return { passed: examples.length, failed: 0, skipped: [] }
}

/** @param {string} line */
function saysOk(line) {
  try {
    return JSON.parse(line)?.ok === true
  } catch (error) {
    console.error(`the last line is not JSON: ${String(error)}`)
    return false
  }
}
