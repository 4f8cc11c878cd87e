import {
  actorName,
  type AppDefinition,
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
import { samplesOf } from '../../src/telemetry/prometheus-series.ts'
import { printFamilies } from '../../src/telemetry/prometheus-text.ts'
import * as threads from '../fixtures/thread-procedures.mjs'
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
const threaded = defineApp({
  name: 'threaded',
  children: [],
  procedures: [threads.whereOnPool, threads.spinOnPool, threads.spinForever, threads.addThere, threads.add],
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
    expect(valueOf(families, 'skerry_link_links_up_total', {})).toBe(client.linkCounters().linksUp)
    expect(valueOf(families, 'skerry_link_hello_refusals_total', {})).toBe(client.linkCounters().helloRefusals)
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

describe('[thread] the calls of other threads than the main one', () => {
  it('are there: those of a thread that runs, that has ended, that was killed', async () => {
    const { client, server } = await startTwo(threaded)
    const [asking, serving] = [client, server].map((node) => {
      const collector = prometheusCollector(node)
      onTestFinished(() => collector.stop())
      return async () => parsePrometheus(await collector.text())
    }) as [() => Promise<Families>, () => Promise<Families>]
    const ok = { code: 'OK' }
    await client.rpcRegion('syd', threads.whereOnPool, undefined)
    // From a thread of its own, back to the client's region.
    expect(await client.rpcRegion('syd', threads.addThere, { region: 'lax', left: 2, right: 3 })).toBe(5)
    const giveUp = new AbortController()
    const spins = client.rpcRegion('syd', threads.spinForever, undefined, { signal: giveUp.signal })
    const ended = expect(spins).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
    await expect.poll(async () => activeOf(await serving(), 'threads.spinForever')).toBe(1)
    giveUp.abort()
    await ended
    await expect.poll(async () => activeOf(await serving(), 'threads.spinForever')).toBe(0)
    const served = await serving()
    const durations = (method: string): unknown => {
      return histogramOf(served, 'skerry_rpc_server_duration_seconds', { method, ...ok }).count
    }
    expect(durations('threads.whereOnPool')).toBe(1)
    expect(durations('threads.addThere')).toBe(1)
    const made = { method: 'threads.add', region: 'lax', ...ok }
    expect(histogramOf(served, 'skerry_rpc_client_duration_seconds', made).count).toBe(1)
    expect(activeOf(served, 'threads.addThere')).toBe(0)
    const aborted = { method: 'threads.spinForever', region: 'syd', code: 'ERR_RPC_ABORTED' }
    expect(histogramOf(await asking(), 'skerry_rpc_client_duration_seconds', aborted).count).toBe(1)
  })

  it('are there while their thread is stuck', async () => {
    const { client, server } = await startTwo(threaded)
    const collector = prometheusCollector(server)
    onTestFinished(() => collector.stop())
    await client.rpcRegion('syd', threads.whereOnPool, undefined)
    const before = parsePrometheus(await collector.text())
    const giveUp = new AbortController()
    const spins = client.rpcRegion('syd', threads.spinOnPool, undefined, { signal: giveUp.signal })
    const ended = expect(spins).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
    const read = async (): Promise<Families> => parsePrometheus(await collector.text())
    await expect.poll(async () => activeOf(await read(), 'threads.spinOnPool')).toBe(1)
    const stuck = await read()
    const whole = { method: 'threads.whereOnPool', code: 'OK' }
    expect(histogramOf(stuck, 'skerry_rpc_server_duration_seconds', whole)).toEqual(
      histogramOf(before, 'skerry_rpc_server_duration_seconds', whole),
    )
    giveUp.abort()
    await ended
    await expect.poll(async () => activeOf(await read(), 'threads.spinOnPool')).toBe(0)
    expect(histogramOf(await read(), 'skerry_rpc_server_duration_seconds', whole).count).toBe(1)
  })
})

describe('a family', () => {
  it('is a histogram with cumulative buckets, in seconds', () => {
    const labels = { code: 'OK' }
    const samples = samplesOf({ family: 'clientDuration', labels, values: [2, 1, 1, 7_650_000_000] }, [0.1, 1])
    const text = printFamilies([{ type: 'histogram', name: 'h_seconds', help: 'help', samples }])
    const parsed = histogramOf(parsePrometheus(text), 'h_seconds', labels)
    expect(parsed).toStrictEqual({ buckets: { '0.1': 2, '1': 3, '+Inf': 4 }, sum: 7.65, count: 4 })
  })

  it('escapes what stands in a label or a help text', () => {
    const samples = samplesOf({ family: 'clientActive', labels: { method: 'say "hi"\\\n' }, values: [-1.5] }, [])
    const text = printFamilies([{ type: 'gauge', name: 'g', help: 'a \\ and\na line', samples }])
    const parsed = parsePrometheus(text).get('g')
    expect(parsed?.samples).toStrictEqual([{ name: 'g', labels: { method: 'say "hi"\\\n' }, value: -1.5 }])
    expect(parsed?.help).toBe('a \\\\ and\\na line')
  })
})

type Families = Map<string, ParsedFamily>

function activeOf(families: Families, method: string): number | undefined {
  return valueOf(families, 'skerry_rpc_server_active_calls', { method })
}

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

async function startTwo(of: AppDefinition = app): Promise<{ client: Node; server: Node }> {
  const hub = newMeshName()
  const join = async (region: string): Promise<Node> => {
    const options = { region, primaryRegion: 'syd', cluster: 'tests', transport: memoryTransport({ hub }) }
    const node = await startNode(of, quiet(options))
    onTestFinished(() => node.stop())
    return node
  }
  const server = await join('syd')
  const client = await join('lax')
  await knows(client, server, of)
  await knows(server, client, of)
  return { client, server }
}
