import { defineApp, memoryTransport, type Node, startNode, systemPlatform } from '@skerry/core'
// Not part of core's interface: the choice is measured apart from the call that it is made for.
import { chooseNode, isRefusal } from '../../packages/core/dist/region/region-choice.js'
import { createRegionTable, openRegionTable, regionTableWriter } from '../../packages/core/dist/region/region-table.js'
import { contest, type Figures, type Pace } from './contest.ts'
import { startOtp } from './otp.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { upcase } from './rpc-procedures.ts'

const mapGet = 'Map.get'
const mapDraw = 'Map.get and a drawn element'
const etsLookup = 'OTP ets:lookup, read_concurrency'
const etsDraw = 'OTP ets:lookup and a drawn node'
const regions = ['syd', 'lax', 'fra']

/** What is asked before each call by region: who is there, and who of them should do it. */
export async function regionTableSuite(pace: Pace): Promise<Row[]> {
  const otp = await startOtp()
  const nodes = await startNodes()
  const node = nodes[0]!
  const map = new Map(regions.map((region) => [region, node.regionNodes(region)]))

  const lookup = await contest(
    [
      { name: skerry, run: (sliceMs) => rateOf(sliceMs, (region) => node.regionNodes(region).length) },
      { name: mapGet, run: (sliceMs) => rateOf(sliceMs, (region) => map.get(region)!.length) },
      ...otp.contestant(etsLookup, 'ets_lookup'),
    ],
    pace,
  )
  for (const one of nodes) await one.stop()

  const table = openRegionTable(tableOfNine())
  const nodesOf = new Map(regions.map((region) => [region, table.read().regionNodes(region)]))
  const { random } = systemPlatform()
  const nobody: ReadonlySet<string> = new Set()
  const choose = (region: string): number => {
    const choice = chooseNode(table.read(), region, upcase, nobody, random)
    return isRefusal(choice) ? 0 : choice.node.length
  }
  const draw = (region: string): number => {
    const ids = nodesOf.get(region)!
    return ids[random.int(ids.length)]!.length
  }
  const choice = await contest(
    [
      { name: skerry, run: (sliceMs) => rateOf(sliceMs, choose) },
      { name: mapDraw, run: (sliceMs) => rateOf(sliceMs, draw) },
      ...otp.contestant(etsDraw, 'ets_draw'),
    ],
    pace,
  )
  otp.stop()
  const bytes = await contest([{ name: skerry, run: () => bytesOf(choose) }], pace)
  return [
    rowOf(lookup, {
      id: 'region-table/region-nodes',
      quantity: 'node.regionNodes of 3 regions',
      unit: 'lookups/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 1, peer: etsLookup }],
    }),
    rowOf(choice, {
      id: 'region-table/lookup-and-choice',
      quantity: 'lookup and choice among 3 nodes',
      unit: 'choices/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 2_000_000 }],
    }),
    rowOf(bytes, {
      id: 'region-table/choice-bytes',
      quantity: 'heap that a lookup and choice takes',
      unit: 'bytes',
      figure: 'bytes',
      goals: [{ compare: '<=', factor: 1 }],
    }),
  ]
}

async function startNodes(): Promise<Node[]> {
  const app = defineApp({ name: 'bench', children: [] })
  const nodes: Node[] = []
  for (const region of regions) {
    const seeds = nodes.map(({ id }) => id)
    const transport = memoryTransport({ hub: 'bench', seeds })
    nodes.push(await startNode(app, { region, primaryRegion: regions[0]!, transport }))
  }
  for (const region of regions) await nodes[0]!.waitForRegion(region)
  return nodes
}

function tableOfNine(): SharedArrayBuffer {
  const buffer = createRegionTable()
  const procedures = [{ name: upcase.name, version: upcase.version, compatible: [], schema: undefined }]
  regionTableWriter(buffer).write({
    self: 'syd-0',
    myRegion: 'syd',
    primaryRegion: 'syd',
    primaryEpoch: 0,
    nodes: regions.flatMap((region) =>
      [0, 1, 2].map((index) => ({
        node: `${region}-${index}`,
        life: 1,
        region,
        state: 'up' as const,
        appVersion: '',
        procedures,
        load: index / 4,
        inFlight: 10 * index,
        isStuck: false,
        rttMs: 1 + index,
      })),
    ),
    omitted: 0,
  })
  return buffer
}

const lookupsBetweenClockReads = 3_000
const choicesWeighed = 1_000_000
// Read at the end of each slice, so that no lookup can be left out as unused.
let sum = 0

/** What the heap grew by for each; a collection meanwhile would show as less than nothing, so the median of many is taken. */
function bytesOf(look: (region: string) => number): Figures {
  const before = process.memoryUsage().heapUsed
  for (let left = choicesWeighed; left > 0; left -= 1) sum += look(regions[left % 3]!)
  return { bytes: Math.max(0, process.memoryUsage().heapUsed - before) / choicesWeighed }
}

function rateOf(sliceMs: number, look: (region: string) => number): Figures {
  const started = performance.now()
  let lookups = 0
  let now = started
  while (now - started < sliceMs) {
    for (let left = lookupsBetweenClockReads; left > 0; left -= 1) sum += look(regions[left % 3]!)
    lookups += lookupsBetweenClockReads
    now = performance.now()
  }
  if (sum <= 0) throw new Error('the lookups found nobody')
  return { rate: (lookups * 1000) / (now - started) }
}
