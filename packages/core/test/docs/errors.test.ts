import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const [forUsers = '', forTesting = ''] = read('docs/errors.md').split(/^## `TestingError`/m)

/** Node's own, and a stand-in for an error without a code. */
const notOurs = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_WORKER_OUT_OF_MEMORY', 'ERR_NOT_CODED']
/** Needs a version of Node that does not exist: the drain's own test is tested with a drain that is not sound. */
const notProducible = ['ERR_DRAIN_UNSOUND']

describe('the table of errors', () => {
  it('has a row for every code in the sources, and no others', () => {
    const inSources = codesOf(
      filesBelow('packages', /\/src\/.*\.ts$/)
        .map(read)
        .join('\n'),
    )
    const inTable = codesOf(forUsers + forTesting)
    expect(inTable).toEqual(inSources.filter((code) => !notOurs.includes(code)))
  })

  // Whether it is produced for real can't be read off a text; that some test expects it can.
  it('has no code but is produced by a test', () => {
    const tests = filesBelow('packages', /\/test\/.*\.m?ts$/).filter((path) => !path.includes('/test/docs/'))
    const expected = new Set(codesOf(tests.map(read).join('\n')))
    const missing = codesOf(forUsers + forTesting).filter(
      (code) => !expected.has(code) && !notProducible.includes(code),
    )
    expect(missing).toEqual([])
  })

  // The tests name outcome and code side by side.
  it.each(rowsWithOutcome())('has a test for %s as %s', (code, outcome) => {
    const near = new RegExp(
      `${code}\\b[^;]{0,80}['" |(]${outcome}['")|]|['" |(]${outcome}['")|][^;]{0,80}${code}\\b`,
      's',
    )
    const tests = filesBelow('packages', /\/test\/.*\.m?ts$/).filter((path) => !path.includes('/test/docs/'))
    expect(tests.some((path) => near.test(read(path)))).toBe(true)
  })
})

/** Of the tables whose second column says what is known of the work. */
function rowsWithOutcome(): [string, string][] {
  return [...forUsers.matchAll(/^\| (`ERR_[^|]*) \| ((?:not-run|ran|unknown)[^|]*) \|/gm)].flatMap(
    ([, codes = '', outcomes = '']) =>
      codesOf(codes).flatMap((code) =>
        [...new Set(outcomes.match(/not-run|\bran\b|unknown/g))].map((outcome): [string, string] => [code, outcome]),
      ),
  )
}

function codesOf(text: string): string[] {
  return [...new Set(text.match(/\bERR_[A-Z_]+\b/g))].sort()
}

function filesBelow(folder: string, wanted: RegExp): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : filesBelow(path, wanted)
    return wanted.test(path) ? [path] : []
  })
}

function read(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8')
}
