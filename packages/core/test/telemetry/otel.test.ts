import {
  type Baggage,
  baggageEntryMetadataFromString,
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { child, defineApp, memoryTransport, type Node, type NodeOptions, procedure, startNode } from '@skerry/core'
import { instrument, observeNode } from '@skerry/core/otel'
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  book,
  ledger,
  ledgerName,
  relay,
  spansThere,
  tenantsOfAll,
  tenantsOfLedger,
} from '../fixtures/traced-procedures.mjs'
import { onTold } from '../fixtures/told.ts'
import { knows, newMeshName, quiet } from '../rpc/two-nodes.ts'
import { collect, metricsReader } from './metrics-reader.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
const tracer = provider.getTracer('test')
let stop = instrument({ meterProvider: false })

beforeEach(() => exporter.reset())
afterAll(async () => {
  stop()
  await provider.shutdown()
})

let release: (() => void) | undefined
const held = procedure({ name: 'held', maxInFlight: 1, run: () => new Promise<void>((resolve) => (release = resolve)) })
const echo = procedure({ name: 'echo', run: (_ctx, value: string) => value })
const throws = procedure({
  name: 'throws',
  run: () => {
    throw new RangeError('too far')
  },
})
const works = procedure({
  name: 'works',
  run: async (ctx) => {
    await Promise.resolve()
    trace.getActiveSpan()?.setAttribute('mine', 1)
    return tracer.startActiveSpan('part', async (span) => {
      const value = await ctx.rpcRegion('syd', echo, 'deep')
      span.end()
      return value
    })
  },
})
const app = defineApp({
  name: 'traced',
  children: [child('ledger', ledger, [], { register: ledgerName })],
  procedures: [held, echo, throws, works, book, relay, spansThere, tenantsOfAll, tenantsOfLedger],
})

interface Seen {
  readonly name: string
  readonly kind: SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
}

describe('a trace', () => {
  it('goes from plain code through a thread, a node and an actor, with the times of each call apart', async () => {
    const { client, server, other } = await startThree()
    await tracer.startActiveSpan('checkout', async (span) => {
      expect(await client.rpcRegion('syd', relay, 5, { timeoutMs: 15_000 })).toBe(5)
      span.end()
    })
    const there = (await client.rpcRegion('syd', spansThere, undefined)) as Seen[]
    const spans = [...seen(), ...there].filter(({ name }) => name !== 'traced.spans')
    const root = spans.find(({ name }) => name === 'checkout') as Seen

    // From parent to child, each the only one.
    const chain: Seen[] = []
    for (let one: Seen | undefined = root; one !== undefined;) {
      chain.push(one)
      const children: Seen[] = spans.filter(({ parentId }) => parentId === one?.spanId)
      expect(children.length).toBeLessThanOrEqual(1)
      one = children[0]
    }
    expect(chain.map(({ name, kind }) => [name, SpanKind[kind]])).toStrictEqual([
      ['checkout', 'INTERNAL'],
      ['traced.relay', 'CLIENT'],
      ['traced.relay', 'SERVER'],
      ['traced.book', 'CLIENT'],
      ['traced.book', 'SERVER'],
      ['ledger.book', 'INTERNAL'],
    ])
    expect(new Set(chain.map(({ traceId }) => traceId)).size).toBe(1)
    expect(spans).toHaveLength(chain.length)

    const [, asked, relayed, askedNext, booked, counted] = chain.map(({ attributes }) => attributes)
    expect(asked).toMatchObject({
      'rpc.system.name': 'skerry',
      'rpc.method': 'traced.relay',
      'rpc.status_code': 'OK',
      'server.address': 'syd',
      'skerry.node.id': client.id,
      'skerry.peer.node': server.id,
      'skerry.peer.region': 'syd',
      'skerry.rpc.attempts': 1,
    })
    expect(asked).not.toHaveProperty('error.type')
    expect(relayed).toMatchObject({
      'skerry.node.id': server.id,
      'skerry.caller.region': 'lax',
      'rpc.status_code': 'OK',
    })
    expect(relayed?.['skerry.thread']).toBeGreaterThan(0)
    expect(askedNext).toMatchObject({ 'skerry.node.id': server.id, 'skerry.thread': relayed?.['skerry.thread'] })
    expect(booked).toMatchObject({ 'skerry.node.id': other.id, 'skerry.thread': 0 })
    expect(counted).toMatchObject({ 'skerry.node.id': other.id, 'skerry.actor': 'ledger', 'skerry.actor.call': 'book' })
    for (const attributes of [asked, askedNext]) {
      for (const part of ['queue', 'wire', 'run']) {
        expect(attributes?.[`skerry.rpc.${part}_time`]).toBeGreaterThanOrEqual(0)
      }
      expect(attributes?.['skerry.rpc.run_time']).toBeGreaterThan(0)
    }
    expect(counted?.['skerry.actor.queue_time']).toBeGreaterThanOrEqual(0)
  })

  it('takes the baggage along, through a thread, a node and an actor, from code in a span and outside of any', async () => {
    const { client } = await startThree()
    const metadata = baggageEntryMetadataFromString('since=monday')
    const baggage: Baggage = propagation.createBaggage({ tenant: { value: 'Käse, Brot; 50 %', metadata } })
    const said = ['tenant=Käse, Brot; 50 %;since=monday']
    const ask = (): Promise<unknown> => client.rpcRegion('syd', tenantsOfAll, undefined, { timeoutMs: 15_000 })
    const within = propagation.setBaggage(context.active(), baggage)
    expect(await context.with(within, ask)).toStrictEqual([said, said, said])
    const spanned = context.with(within, () =>
      tracer.startActiveSpan('checkout', async (span) => {
        const answer = await ask()
        span.end()
        return answer
      }),
    )
    expect(await spanned).toStrictEqual([said, said, said])
    expect(await ask()).toStrictEqual([[], [], []])
  })

  it('tells of a call that waited for its turn how long, apart from the work', async () => {
    const { client } = await startThree()
    const first = client.rpcRegion('syd', held, undefined)
    const second = client.rpcRegion('syd', held, undefined)
    // Behind both, over the same link: so they have arrived.
    await client.rpcRegion('syd', echo, '')
    const from = performance.now()
    while (performance.now() - from < 20) await client.rpcRegion('syd', echo, '')
    const begun = new Promise<void>((resolve) => onTold('tracing:skerry:rpc.serve:start', () => resolve()))
    release?.()
    await first
    await begun
    // The procedure's own turn is over by the next answer.
    await client.rpcRegion('syd', echo, '')
    release?.()
    await second
    const [one, two] = seen().filter(({ name, kind }) => name === 'held' && kind === SpanKind.CLIENT)
    expect(one?.attributes['skerry.rpc.run_time']).toBeGreaterThanOrEqual(0.02)
    expect(two?.attributes['skerry.rpc.queue_time']).toBeGreaterThanOrEqual(0.02)
    const served = seen().filter(({ name, kind }) => name === 'held' && kind === SpanKind.SERVER)
    const [times, told] = [two, served[1]].map((span) => span?.attributes)
    expect(times?.['skerry.rpc.run_time']).toBeCloseTo(told?.['skerry.rpc.run_time'] as number, 5)
    expect(times?.['skerry.rpc.queue_time']).toBeCloseTo(told?.['skerry.rpc.queue_time'] as number, 5)
  })

  it('has the spans that a procedure makes, and the calls within them', async () => {
    const { client } = await startThree()
    expect(await client.rpcRegion('syd', works, undefined)).toBe('deep')
    const spans = seen()
    const of = (name: string, kind: SpanKind): Seen =>
      spans.find((span) => span.name === name && span.kind === kind) as Seen
    const server = of('works', SpanKind.SERVER)
    expect(server.attributes['mine']).toBe(1)
    expect(of('part', SpanKind.INTERNAL).parentId).toBe(server.spanId)
    expect(of('echo', SpanKind.CLIENT).parentId).toBe(of('part', SpanKind.INTERNAL).spanId)
    expect(of('echo', SpanKind.SERVER).parentId).toBe(of('echo', SpanKind.CLIENT).spanId)
    expect(of('works', SpanKind.CLIENT).parentId).toBeUndefined()
  })

  it('does not take in a call that an actor makes for somebody else', async () => {
    const { client } = await startThree()
    // The turn of the second call's process is run by what the first one's enqueued.
    await Promise.all([
      tracer.startActiveSpan('mine', async (span) => {
        await client.rpcRegion('syd', echo, 'a')
        span.end()
      }),
      client.rpcRegion('syd', echo, 'b'),
    ])
    const spans = seen()
    const mine = spans.find(({ name }) => name === 'mine')
    const clients = spans.filter(({ name, kind }) => name === 'echo' && kind === SpanKind.CLIENT)
    expect(new Set(clients.map(({ parentId }) => parentId))).toStrictEqual(new Set([mine?.spanId, undefined]))
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2)
  })

  it('shows an error with its code, on both sides', async () => {
    const { client } = await startThree()
    await expect(client.rpcRegion('syd', throws, undefined)).rejects.toThrow('too far')
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ kind }) => SpanKind[kind])).toStrictEqual(['SERVER', 'CLIENT'])
    for (const { status, attributes } of spans) {
      expect(status).toMatchObject({
        code: SpanStatusCode.ERROR,
        message: expect.stringContaining('too far') as string,
      })
      expect(attributes).toMatchObject({
        'rpc.status_code': 'ERR_REMOTE_ERROR',
        'error.type': 'ERR_REMOTE_ERROR',
        'skerry.outcome': 'ran',
      })
    }
  })

  it('shows each attempt', async () => {
    const { client, server } = await startThree()
    await client.rpc(server.id, echo, '')
    const [span] = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT)
    expect(span?.events).toMatchObject([
      {
        name: 'skerry.rpc.attempt',
        attributes: { 'skerry.rpc.attempt': 1, 'skerry.peer.node': server.id, 'skerry.peer.region': 'syd' },
      },
    ])
  })
})

describe('the choice of a node', () => {
  it('is explained with the attempt that it led to', async () => {
    const { client, server } = await startThree()
    await client.rpcRegion('syd', echo, '')
    const [span] = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT)
    const [first, ...others] = (span?.events[0]?.attributes?.['skerry.rpc.choice'] ?? []) as string[]
    expect(first).toMatch(new RegExp(`^syd ${server.id}: taken \\(expected wait [\\d.]+ ms\\)$`))
    expect(others).toHaveLength(2)
    for (const other of others) expect(other).toMatch(/^(lax|fra) \S+: not-asked-for$/)
  })

  it('is explained where no node was found', async () => {
    const { client } = await startThree()
    await expect(client.rpcRegion('nowhere', echo, '')).rejects.toThrow('nowhere')
    const [span] = exporter.getFinishedSpans()
    expect(span?.events.map(({ name }) => name)).toStrictEqual(['skerry.rpc.no_node'])
    expect(span?.events[0]?.attributes?.['skerry.rpc.choice.refusal']).toContain('nowhere')
    expect(span?.events[0]?.attributes?.['skerry.rpc.choice']).toHaveLength(3)
  })

  it('is not explained where nobody traces', async () => {
    stop()
    onTestFinished(() => {
      stop = instrument({ meterProvider: false })
    })
    const { client } = await startThree()
    const choices = new Promise<unknown>((resolve) => {
      onTold('tracing:skerry:rpc.call:asyncEnd', (event) => resolve(event['choices']))
    })
    await client.rpcRegion('syd', echo, '')
    expect(await choices).toStrictEqual([])
  })
})

it('a call that runs inline is a call and a process like others', async () => {
  const { server } = await startThree()
  expect(await server.rpcRegion('syd', works, undefined, { inline: true })).toBe('deep')
  const spans = seen()
  const [client, process] = [SpanKind.CLIENT, SpanKind.SERVER].map((kind) =>
    spans.find((span) => span.name === 'works' && span.kind === kind),
  )
  expect(client?.attributes).toMatchObject({ 'skerry.peer.node': server.id, 'rpc.status_code': 'OK' })
  expect(process?.parentId).toBe(client?.spanId)
  expect(process?.attributes['mine']).toBe(1)
  expect(spans.find(({ name }) => name === 'part')?.parentId).toBe(process?.spanId)
})

describe('measurements', () => {
  it('are durations and counts by the names of the conventions', async () => {
    const { reader, meterProvider } = metricsReader()
    onTestFinished(instrument({ tracerProvider: false, meterProvider }))
    const { client } = await startThree()
    await client.rpcRegion('syd', echo, 'a')
    await client.rpcRegion('syd', echo, 'b')
    await expect(client.rpcRegion('syd', throws, undefined)).rejects.toThrow('too far')
    const points = await collect(reader)
    const method = { 'rpc.system.name': 'skerry', 'rpc.method': 'echo' }
    expect(points.get('rpc.client.call.duration')).toMatchObject([
      { attributes: { ...method, 'rpc.status_code': 'OK', 'skerry.peer.region': 'syd' }, value: { count: 2 } },
      { attributes: { 'rpc.method': 'throws', 'error.type': 'ERR_REMOTE_ERROR' }, value: { count: 1 } },
    ])
    expect(points.get('rpc.server.call.duration')).toMatchObject([
      { attributes: { ...method, 'rpc.status_code': 'OK', 'skerry.caller.region': 'lax' }, value: { count: 2 } },
      { attributes: { 'rpc.method': 'throws', 'error.type': 'ERR_REMOTE_ERROR' }, value: { count: 1 } },
    ])
    expect(points.get('skerry.rpc.server.queue.duration')?.[0]).toMatchObject({ value: { count: 2 } })
    for (const name of ['skerry.rpc.client.active_calls', 'skerry.rpc.server.active_calls']) {
      expect(points.get(name)).toMatchObject([{ value: 0 }, { value: 0 }])
    }
  })

  it('count refusals', async () => {
    const { reader, meterProvider } = metricsReader()
    onTestFinished(instrument({ tracerProvider: false, meterProvider }))
    const { client, server } = await startThree()
    const unknown = procedure({ name: 'nobody-has-it', run: () => undefined })
    await expect(client.rpc(server.id, unknown, undefined)).rejects.toThrow('no procedure')
    expect((await collect(reader)).get('skerry.rpc.server.refusals')).toMatchObject([
      { value: 1, attributes: { 'rpc.method': '_OTHER', 'error.type': 'ERR_NO_PROCEDURE' } },
    ])
  })

  it('of a node are its counters over all threads, and what it holds', async () => {
    const { reader, meterProvider } = metricsReader()
    const { client } = await startThree()
    onTestFinished(observeNode(client, { meterProvider }))
    client.cast(
      { ...(client.whereis(ledgerName) as never as object), serial: 2 ** 40 } as never,
      'x' as never,
      [] as never,
    )
    const points = await collect(reader)
    const main = { 'skerry.node.id': client.id, 'skerry.thread.kind': 'main' }
    expect(points.get('skerry.dead_letters')).toContainEqual({ attributes: main, value: 1 })
    expect(points.get('skerry.link.links_up')).toEqual([
      { attributes: { 'skerry.node.id': client.id }, value: client.linkCounters().linksUp },
    ])
    expect(points.get('skerry.threads')).toContainEqual({ attributes: main, value: 1 })
    expect(points.get('skerry.region.nodes')).toContainEqual({
      attributes: { 'skerry.node.id': client.id, 'skerry.region': 'syd' },
      value: 1,
    })
  })
})

function seen(): Seen[] {
  return exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    kind: span.kind,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentId: span.parentSpanContext?.spanId,
    attributes: span.attributes,
  }))
}

async function startThree(): Promise<{ client: Node; server: Node; other: Node }> {
  const hub = newMeshName()
  const join = async (region: string): Promise<Node> => {
    const options: NodeOptions = { region, primaryRegion: 'syd', cluster: 'tests', threadPool: { size: 1 } }
    const node = await startNode(app, quiet({ ...options, transport: memoryTransport({ hub }) }))
    onTestFinished(() => node.stop())
    return node
  }
  const nodes = { client: await join('lax'), server: await join('syd'), other: await join('fra') }
  const all = Object.values(nodes)
  for (const node of all) for (const peer of all) await knows(node, peer, app)
  return nodes
}
