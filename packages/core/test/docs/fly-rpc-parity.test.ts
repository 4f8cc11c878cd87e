import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const packages = new URL('../../../', import.meta.url)
const text = readFileSync(new URL('../docs/fly-rpc-parity.md', packages), 'utf8')

describe('the page that compares us with Fly RPC row by row', () => {
  // `folder/file`, and behind a colon what its tests are called: *one*, *another*
  const named = [...text.matchAll(/`([\w-]+\/[\w-]+)`((?:[:,] \*[^*]+\*)*)/g)].map(
    ([, file = '', titles = '']) =>
      [file, [...titles.matchAll(/\*([^*]+)\*/g)].map(([, title = '']) => title)] as const,
  )

  it('names tests', () => {
    expect(named.length).toBeGreaterThan(30)
  })

  it.each(named)('%s has the tests that are named: %j', (file, titles) => {
    const known = titlesOf(sourceOf(file))
    for (const title of titles) expect(isNamed(title, known), `${file}: ${title}`).toBe(true)
  })

  it('has a test for every row of how a call fails', () => {
    const rows = [...text.matchAll(/^\| (M\d+) /gm)].map(([, row = '']) => row)
    const tested = titlesOf(sourceOf('rpc/failure-matrix')).flatMap((title) => title.match(/\bM\d+\b/g) ?? [])
    expect(rows).toHaveLength(18)
    expect([...new Set(tested)].sort()).toEqual(rows.sort())
  })
})

/** A test, and the suite that it runs. */
function sourceOf(file: string): string {
  const places = ['core/test', 'testing/test', 'transport-libp2p/test', '../test/swarm/src'].flatMap((folder) =>
    [`${file}.test.ts`, `${file}.ts`].map((name) => fileURLToPath(new URL(`${folder}/${name}`, packages))),
  )
  const found = places.filter((place) => existsSync(place))
  if (found.length === 0) throw new Error(`there is no test ${file}`)
  return found.map((path) => readFileSync(path, 'utf8')).join('\n')
}

/** Every string that stands in the source. */
function titlesOf(source: string): string[] {
  return [...source.matchAll(/'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
}

/** Called so, or so far; perhaps behind what its group is called. */
function isNamed(title: string, known: readonly string[]): boolean {
  if (known.some((one) => one.startsWith(title))) return true
  return known.some((group) => {
    return title.startsWith(`${group} `) && known.some((one) => one.startsWith(title.slice(group.length + 1)))
  })
}
