import { writeFileSync } from 'node:fs'

/**
 * A vitest reporter that leaves behind what scripts/test.mjs adds up: how many tests passed, failed and were skipped,
 * and why each of the skipped was (the note given to `context.skip`). Writes JSON to the file named by
 * SKERRY_TALLY_FILE.
 *
 * @type {import('vitest/reporters').Reporter}
 */
export const vitestTally = {
  onTestRunEnd(modules, unhandledErrors) {
    const file = process.env['SKERRY_TALLY_FILE']
    if (file === undefined) return
    /** @type {{ passed: number, failed: number, skipped: string[] }} */
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: [] }
    for (const module of modules) {
      // A file that could not be loaded has errors and no tests.
      if (module.errors().length > 0) tally.failed += 1
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') tally.passed += 1
        else if (result.state === 'failed') tally.failed += 1
        else tally.skipped.push(skipped(test))
      }
    }
    writeFileSync(file, JSON.stringify(tally))
  },
}

/** @param {import('vitest/node').TestCase} test */
function skipped(test) {
  // The conformance suite gives the reason in the name.
  return /\(skipped: .+\)$/.test(test.fullName) ? test.fullName : `${test.fullName}: ${skipReason(test)}`
}

/** @param {import('vitest/node').TestCase} test */
function skipReason(test) {
  const result = test.result()
  if (result.state === 'skipped' && result.note !== undefined) return result.note
  return test.options.mode === 'todo' ? 'to do' : 'no reason given'
}
