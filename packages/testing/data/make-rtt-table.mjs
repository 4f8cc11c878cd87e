// Writes src/network/azure-rtt.ts from rtt.csv. Run it after the data changed: node data/make-rtt-table.mjs, then prettier.
import { readFileSync, writeFileSync } from 'node:fs'

const here = new URL('.', import.meta.url)
const lines = readFileSync(new URL('rtt.csv', here), 'utf8').split('\n').slice(2).filter(Boolean)
const pairs = lines.map((line) => line.split(','))
const regions = [...new Set(pairs.map(([from]) => from))]
const rows = (column) =>
  regions.map((from) => {
    const numbers = regions.map((to) => pairs.find((pair) => pair[0] === from && pair[1] === to)?.[column] ?? 0)
    return `  ${from}: [${numbers.join(', ')}],`
  })

const source = `/**
 * Round-trip times between 24 regions in milliseconds, of each ordered pair; 0 for a region and itself.
 *
 * Source: Microsoft Learn, "Azure network round-trip latency statistics", data set of 2026-07-30 (30 days, a probe a
 * minute), © Microsoft, licensed CC BY 4.0; changed: regions named by the nearest airport, as Fly.io does. These are
 * figures of one provider's backbone. What was published of another's lies 18 to 43 % above: hence the \`scale\` option.
 *
 * Made from data/rtt.csv by data/make-rtt-table.mjs: do not edit.
 */
export const azureRegions: readonly string[] = '${regions.join(' ')}'.split(' ')

type Table = Readonly<Record<string, readonly number[]>>

/** The median. A row is where the way begins; its columns are in the order of \`azureRegions\`. */
export const azureP50Ms: Table = {
${rows(2).join('\n')}
}

/** The 95th percentile, in the same form. */
export const azureP95Ms: Table = {
${rows(3).join('\n')}
}
`
writeFileSync(new URL('../src/network/azure-rtt.ts', here), source)
