import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const doc = read('docs/telemetry.md')
const events = read('packages/core/src/platform/telemetry.ts')
const otel = ['otel', 'otel-attributes', 'otel-metrics', 'otel-spans']
  .map((name) => read(`packages/core/src/telemetry/${name}.ts`))
  .join('\n')
const prometheus = read('packages/core/src/telemetry/prometheus.ts')

/** Each channel with the type of its events. */
const channels = [...events.matchAll(/: (?:Events|Spans)<(\w+)> = new (?:Events|Spans)\('([\w:.]+)'\)/g)].map(
  ([, type = '', name = '']) => ({ name, type }),
)

describe('docs/telemetry.md', () => {
  it('has a row for every channel, and no others', () => {
    const rows = [...doc.matchAll(/^\| `(skerry:[\w.]+)` \|/gm)].map(([, name]) => name)
    expect(channels.length).toBeGreaterThan(0)
    expect(rows).toHaveLength(channels.length)
    expect(new Set(rows)).toEqual(new Set(channels.map(({ name }) => name)))
  })

  it.each(channels)('has every field of $name', ({ name, type }) => {
    const row = doc.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
    expect(fieldsOf(type).filter((field) => !said(row).has(field))).toEqual([])
  })

  it('has every name that OpenTelemetry is given, and none of ours that it is not', () => {
    const given = names(otel, /'((?:rpc|error|server|skerry)\.[\w.]+)'/g)
    const told = said(doc)
    expect([...given].filter((name) => !told.has(name))).toEqual([])
    // Beside them there are the counters of a node, by their own names.
    const ours = [...told].filter((name) => /^skerry\.[\w.]+\w$/.test(name))
    expect(ours.filter((name) => !given.has(name) && !isCounter(name.slice('skerry.'.length)))).toEqual([])
  })

  it('has every metric of Prometheus, and no others', () => {
    const given = names(prometheus, /'(skerry_[a-z_]+)'/g)
    const told = new Set([...said(doc)].filter((name) => /^skerry_[a-z_]+[a-z]$/.test(name)))
    expect([...given].filter((name) => !told.has(name))).toEqual([])
    const others = [...told].filter((name) => !given.has(name))
    expect(others.filter((name) => !isCounter(name.replace(/^skerry_(.*)_total$/, '$1')))).toEqual([])
  })
})

/** The names of an event's own fields: all have `node`, `life` and `thread`. */
function fieldsOf(type: string): string[] {
  const [, body = ''] = new RegExp(`^export interface ${type} .*?\\{\\n([^]*?)^\\}`, 'm').exec(events) ?? []
  const fields = [...body.matchAll(/^ {2}(?:readonly )?(\w+):/gm)].map(([, name = '']) => name)
  expect(fields.length).toBeGreaterThan(0)
  return fields
}

/** What stands between backticks, also as one of several there. */
function said(text: string): Set<string> {
  return names(text.replaceAll(/```[^]*?```/g, ''), /`([^`\n]+)`/g, /[\w.]+/g)
}

function names(text: string, pattern: RegExp, within = /.+/g): Set<string> {
  return new Set([...text.matchAll(pattern)].flatMap(([, found = '']) => found.match(within) ?? []))
}

function isCounter(name: string): boolean {
  const camel = name.replace(/^link[._]/, '').replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return new RegExp(`^  ${camel}: '`, 'm').test(read('packages/core/src/telemetry/counter-texts.ts'))
}

function read(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8')
}
