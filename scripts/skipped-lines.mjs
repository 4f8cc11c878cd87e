/**
 * What to print of tests that were skipped: a line each, but those of one `describe` and one reason together.
 *
 * @param {readonly string[]} skipped each `describe > … > test (skipped: reason)`, or any other text
 * @returns {string[]}
 */
export function skippedLines(skipped) {
  /** @type {Map<string, string[]>} */
  const groups = new Map()
  for (const line of skipped) {
    const [, suite, reason] = /^(.*) > .*? (\(skipped: .*\))$/.exec(line) ?? []
    const key = suite === undefined ? line : `${suite} ${reason}`
    groups.set(key, [...(groups.get(key) ?? []), line])
  }
  return [...groups].flatMap(([key, lines]) => (lines.length === 1 ? lines : [`${lines.length} tests of ${key}`]))
}
