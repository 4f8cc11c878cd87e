import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './workspace.mjs'

/** @typedef {{ passed: number, failed: number, skipped: readonly string[] }} Tally */

// All tests take 500 s on two CPUs that have nothing else to do; on busy ones they are only slower.
const timeoutMs = 1_200_000

/**
 * @param {string} node the executable
 * @param {readonly string[]} files all without any
 * @param {Readonly<Record<string, string>>} [settings] of the environment
 * @returns {Promise<Tally>}
 */
export async function runVitest(node, files, settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-tally-'))
  const tallyFile = join(folder, 'tally.json')
  try {
    const env = { ...process.env, ...settings, SKERRY_TALLY_FILE: tallyFile }
    const ok = await run(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...files], {
      show: true,
      env,
      timeoutMs,
    }).then(
      () => true,
      (/** @type {Error} */ error) => {
        console.log(error.message)
        return false
      },
    )
    /** @type {Tally} */
    const tally = existsSync(tallyFile)
      ? JSON.parse(readFileSync(tallyFile, 'utf8'))
      : { passed: 0, failed: 1, skipped: [] }
    // It may also fail as a whole, with every test passed.
    return ok ? tally : { ...tally, failed: Math.max(tally.failed, 1) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
