import {
  actorName,
  child,
  defineApp,
  genServer,
  memoryTransport,
  type Node,
  type Pid,
  procedure,
  startNode,
} from '@skerry/core'
import { prometheusCollector, prometheusText } from '@skerry/core/prometheus'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HistogramFamily, NumberFamily } from '../../src/telemetry/prometheus-series.ts'
import { printFamilies } from '../../src/telemetry/prometheus-text.ts'
import { knows, newMeshName, quiet } from '../rpc/two-nodes.ts'
import { type ParsedFamily, parsePrometheus } from './parse-prometheus.ts'

const tillName = actorName<{ call: { fails(): number } }>('till')
const till = genServer({
  name: 'till',
  init: () => 0,
  call: {
    fails: (): number => {
      throw new RangeError('jammed')
    },
  },
})
const echo = procedure({ name: 'echo', run: (_ctx, value: string) => value })
const throws = procedure({
  name: 'throws',
  run: () => {
    throw new RangeError('too far')
  },
})
const app = defineApp({
  name: 'shop',
  children: [child('till', till, [], { register: tillName })],
  procedures: [echo, throws],
})

describe('the text of a node', () => {
  it('has what it counts and holds, by names and units of Prometheus', async () => {
    const { client, server } = await startTwo()
    const first = client.whereis(tillName) as Pid
    await expect(client.call(first, 'fails' as never, [] as never)).rejects.toThrow('ended')
    const families = parsePrometheus(await prometheusText(client))
    for (const [name, { type, help }] of families) {
      expect(name).toMatch(/^skerry_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
      expect(help).not.toBe('')
    }
    expect(valueOf(families, 'skerry_crashes_total', { thread: 'main' })).toBe(1)
    expect(valueOf(families, 'skerry_mailbox_drops_total', { thread: 'pool' })).toBe(0)
    expect(valueOf(families, 'skerry_threads', { thread: 'main' })).toBe(1)
    expect(valueOf(families, 'skerry_region_nodes', { region: 'syd' })).toBe(1)
    const info = { node: client.id, life: String(client.life), region: 'lax', primary_region: 'syd' }
    expect(valueOf(families, 'skerry_node_info', info)).toBe(1)
    expect(server.id).not.toBe(client.id)
  })

  it('has the durations of its calls, as histograms, and not those of other nodes', async () => {
    const { client, server } = await startTwo()
    const [asking, serving] = [client, server].map((node) => {
      const collector = prometheusCollector(node)
      onTestFinished(() => collector.stop())
      return collector
    })
    await client.rpcRegion('syd', echo, 'a')
    await client.rpcRegion('syd', echo, 'b')
    await expect(client.rpcRegion('syd', throws, undefined)).rejects.toThrow('too far')
    const asked = parsePrometheus((await asking?.text()) ?? '')
    const served = parsePrometheus((await serving?.text()) ?? '')
    const ok = { method: 'echo', region: 'syd', code: 'OK' }
    expect(histogramOf(asked, 'skerry_rpc_client_duration_seconds', ok).count).toBe(2)
    const failed = { method: 'throws', region: 'syd', code: 'ERR_REMOTE_ERROR' }
    expect(histogramOf(asked, 'skerry_rpc_client_duration_seconds', failed).count).toBe(1)
    expect(asked.has('skerry_rpc_server_duration_seconds')).toBe(false)
    expect(histogramOf(served, 'skerry_rpc_server_duration_seconds', { method: 'echo', code: 'OK' }).count).toBe(2)
    expect(histogramOf(served, 'skerry_rpc_server_queue_seconds', { method: 'echo' }).count).toBe(2)
    expect(served.has('skerry_rpc_client_duration_seconds')).toBe(false)
    expect(valueOf(asked, 'skerry_rpc_client_active_calls', { method: 'echo' })).toBe(0)
    expect(valueOf(served, 'skerry_rpc_server_active_calls', { method: 'echo' })).toBe(0)
    expect(valueOf(asked, 'skerry_telemetry_dropped_total', {})).toBe(0)
  })

  it('counts refusals, without the names that nobody has', async () => {
    const { client, server } = await startTwo()
    const collector = prometheusCollector(server)
    onTestFinished(() => collector.stop())
    const unknown = procedure({ name: 'nobody-has-it', run: () => undefined })
    await expect(client.rpc(server.id, unknown, undefined)).rejects.toThrow('no procedure')
    const families = parsePrometheus(await collector.text())
    expect(valueOf(families, 'skerry_rpc_refusals_total', { method: '_OTHER', code: 'ERR_NO_PROCEDURE' })).toBe(1)
  })

  it('refuses buckets that do not ascend', async () => {
    const { client } = await startTwo()
    expect(() => prometheusCollector(client, { buckets: [1, 0.5] })).toThrow('ascending')
  })
})

describe('a family', () => {
  it('is a histogram with cumulative buckets', () => {
    const family = new HistogramFamily('h_seconds', 'help', [0.1, 1])
    for (const value of [0.05, 0.1, 0.5, 7]) family.observe({ code: 'OK' }, value)
    const parsed = histogramOf(parsePrometheus(printFamilies([family.read()])), 'h_seconds', { code: 'OK' })
    expect(parsed).toStrictEqual({ buckets: { '0.1': 2, '1': 3, '+Inf': 4 }, sum: 7.65, count: 4 })
  })

  it('has at most 1,000 series, and counts what has no room', () => {
    const family = new NumberFamily('counter', 'c_total', 'help')
    for (let index = 0; index < 1_003; index += 1) family.add({ method: `m${index}` }, 1)
    family.add({ method: 'm7' }, 1)
    expect(family.read().samples).toHaveLength(1_000)
    expect(family.dropped).toBe(3)
    expect(family.read().samples[7]).toStrictEqual({ suffix: '', labels: { method: 'm7' }, value: 2 })
  })

  it('escapes what stands in a label or a help text', () => {
    const family = new NumberFamily('gauge', 'g', 'a \\ and\na line')
    family.add({ method: 'say "hi"\\\n' }, -1.5)
    const parsed = parsePrometheus(printFamilies([family.read()])).get('g')
    expect(parsed?.samples).toStrictEqual([{ name: 'g', labels: { method: 'say "hi"\\\n' }, value: -1.5 }])
    expect(parsed?.help).toBe('a \\\\ and\\na line')
  })
})

function valueOf(families: Map<string, ParsedFamily>, name: string, labels: object): number | undefined {
  const wanted = JSON.stringify(labels)
  return families.get(name)?.samples.find((sample) => JSON.stringify(sample.labels) === wanted)?.value
}

function histogramOf(
  families: Map<string, ParsedFamily>,
  name: string,
  labels: object,
): { buckets: Record<string, number>; sum: number; count: number } {
  const wanted = JSON.stringify(labels)
  const result = { buckets: {} as Record<string, number>, sum: NaN, count: NaN }
  for (const { name: full, labels: its, value } of families.get(name)?.samples ?? []) {
    const { le, ...others } = its
    if (JSON.stringify(others) !== wanted) continue
    if (full.endsWith('_bucket')) result.buckets[le as string] = value
    else if (full.endsWith('_sum')) result.sum = value
    else result.count = value
  }
  return result
}

async function startTwo(): Promise<{ client: Node; server: Node }> {
  const hub = newMeshName()
  const join = async (region: string): Promise<Node> => {
    const options = { region, primaryRegion: 'syd', cluster: 'tests', transport: memoryTransport({ hub }) }
    const node = await startNode(app, quiet(options))
    onTestFinished(() => node.stop())
    return node
  }
  const server = await join('syd')
  const client = await join('lax')
  await knows(client, server, app)
  await knows(server, client, app)
  return { client, server }
}
