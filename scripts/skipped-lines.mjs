/**
 * What to print of tests that were skipped: a reason once, and below it how many tests of each `describe` it kept from running.
 *
 * @param {readonly string[]} skipped each `describe > … > test (skipped: reason)`, or any other text
 * @returns {string[]}
 */
export function skippedLines(skipped) {
  /** @type {Map<string, Map<string, number>>} */
  const reasons = new Map()
  /** @type {string[]} */
  const others = []
  for (const line of skipped) {
    const [, suite, reason] = /^(.*) > .*? \(skipped: (.*)\)$/.exec(line) ?? []
    if (suite === undefined || reason === undefined) {
      others.push(`skipped: ${line}`)
      continue
    }
    const suites = reasons.get(reason) ?? new Map()
    reasons.set(reason, suites.set(suite, (suites.get(suite) ?? 0) + 1))
  }
  const told = [...reasons].flatMap(([reason, suites]) => [
    `skipped (${reason}):`,
    ...[...suites].map(([suite, count]) => `  ${count} of ${suite}`),
  ])
  return [...told, ...others]
}
