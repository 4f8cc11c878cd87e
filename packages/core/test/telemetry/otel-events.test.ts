import { channel } from 'node:diagnostics_channel'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { instrument, observeNode } from '@skerry/core/otel'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newKernelCounters } from '../../src/actor/counters.ts'
import { zeroPeerLinkCounters } from '../../src/mesh/peer-link-settings.ts'
import type { ObservedNode } from '../../src/telemetry/node-totals.ts'
import { collect, metricsReader } from './metrics-reader.ts'

const source = { node: 'here', life: 1, thread: 3, procedure: 'echo', version: 2, parent: undefined, error: undefined }
const error = { code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'full' } as const

/** A call that ends as it is told, in what core would tell of it. */
function tellCall(end: object, begin: object = {}, between: (event: object) => void = () => undefined): void {
  const event = {
    ...source,
    callerRegion: 'lax',
    target: 'syd',
    choices: [],
    attempts: 1,
    toNode: 'a',
    toRegion: 'syd',
    ...begin,
  }
  tell('tracing:skerry:rpc.call:start', event)
  between(event)
  tell('tracing:skerry:rpc.call:asyncEnd', Object.assign(event, { durationMs: 40, served: undefined, ...end }))
}

function tellServe(end: object): void {
  const event = { ...source, callerNode: 'there', callerRegion: 'fra', isCast: true, queueMs: 5, runMs: 0 }
  tell('tracing:skerry:rpc.serve:start', event)
  tell('tracing:skerry:rpc.serve:asyncEnd', Object.assign(event, end))
}

function tell(name: string, event: object): void {
  channel(name).publish(event)
}

function traced(): { spans: () => ReadableSpan[]; stop: () => void } {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const stop = instrument({ tracerProvider, meterProvider: false })
  onTestFinished(stop)
  return { spans: () => exporter.getFinishedSpans(), stop }
}

describe('a span', () => {
  it('of a call has its times in seconds: what is neither wait nor work there is the way', () => {
    const { spans } = traced()
    tellCall({ served: { queueMs: 5, runMs: 25 } })
    expect(spans()[0]?.attributes).toEqual({
      'rpc.system.name': 'skerry',
      'rpc.method': 'echo',
      'rpc.status_code': 'OK',
      'server.address': 'syd',
      'skerry.target.region': 'syd',
      'skerry.caller.region': 'lax',
      'skerry.peer.node': 'a',
      'skerry.peer.region': 'syd',
      'skerry.node.id': 'here',
      'skerry.thread': 3,
      'skerry.rpc.version': 2,
      'skerry.rpc.attempts': 1,
      'skerry.rpc.queue_time': 0.005,
      'skerry.rpc.run_time': 0.025,
      'skerry.rpc.wire_time': 0.01,
    })
  })

  it('of a call never has a way of less than nothing, as clocks differ', () => {
    const { spans } = traced()
    tellCall({ served: { queueMs: 5, runMs: 36 } })
    expect(spans()[0]?.attributes['skerry.rpc.wire_time']).toBe(0)
  })

  it('of a call says of each attempt why, and what became of the one before', () => {
    const { spans } = traced()
    const nodes = Array.from({ length: 20 }, (_, index) => ({ node: `${index}`, region: 'syd', verdict: 'not-drawn' }))
    tellCall({}, { choices: [{ taken: '0', refusal: undefined, nodes }] }, (call) => {
      tell('skerry:rpc.attempt', { call, attempt: 2, toNode: 'b', toRegion: 'syd', previous: error })
    })
    expect(spans()[0]?.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        'skerry.rpc.attempt',
        {
          'skerry.rpc.attempt': 2,
          'skerry.peer.node': 'b',
          'skerry.peer.region': 'syd',
          'skerry.rpc.previous_error': 'ERR_OVERLOADED',
          'skerry.rpc.choice': nodes.slice(0, 16).map(({ node }) => `syd ${node}: not-drawn`),
          'skerry.rpc.choice.omitted': 4,
        },
      ],
    ])
  })

  it('of a process says for whom it was, and whether anybody waits', () => {
    const { spans } = traced()
    tellServe({ runMs: 30 })
    expect(spans()[0]?.attributes).toEqual({
      'rpc.system.name': 'skerry',
      'rpc.method': 'echo',
      'rpc.status_code': 'OK',
      'skerry.caller.node': 'there',
      'skerry.caller.region': 'fra',
      'skerry.node.id': 'here',
      'skerry.thread': 3,
      'skerry.rpc.version': 2,
      'skerry.rpc.cast': true,
      'skerry.rpc.queue_time': 0.005,
      'skerry.rpc.run_time': 0.03,
    })
  })

  it('is not made any more by who has stopped', () => {
    const { spans, stop } = traced()
    stop()
    tellCall({})
    expect(spans()).toEqual([])
  })
})

describe('measurements', () => {
  it('count attempts after the first, and only calls that began while they were taken', async () => {
    const { reader, meterProvider } = metricsReader()
    const early = { ...source, callerRegion: 'lax', attempts: 9, durationMs: 1, toRegion: undefined }
    tell('tracing:skerry:rpc.call:start', early)
    const stop = instrument({ tracerProvider: false, meterProvider })
    tell('tracing:skerry:rpc.call:asyncEnd', early)
    tellCall({ attempts: 3, error })
    tellCall({ attempts: 1 })
    tellServe({ runMs: 30 })
    stop()
    tellCall({ attempts: 5 })
    const points = await collect(reader)
    const method = { 'rpc.system.name': 'skerry', 'rpc.method': 'echo' }
    expect(points.get('skerry.rpc.client.retries')).toEqual([{ attributes: method, value: 2 }])
    for (const side of ['client', 'server']) {
      expect(points.get(`skerry.rpc.${side}.active_calls`)).toEqual([{ attributes: method, value: 0 }])
    }
    expect(points.get('rpc.client.call.duration')?.map(({ attributes }) => attributes)).toEqual([
      { ...method, 'rpc.status_code': 'ERR_OVERLOADED', 'error.type': 'ERR_OVERLOADED', 'skerry.peer.region': 'syd' },
      { ...method, 'rpc.status_code': 'OK', 'skerry.peer.region': 'syd' },
    ])
    expect(points.get('rpc.client.call.duration')?.[0]).toMatchObject({ value: { sum: 0.04 } })
    expect(points.get('rpc.server.call.duration')).toMatchObject([{ value: { sum: 0.03 } }])
    expect(points.get('skerry.rpc.server.queue.duration')).toMatchObject([{ value: { sum: 0.005 } }])
  })

  it('of a node have those that are configured with another primary region', async () => {
    const { reader, meterProvider } = metricsReader()
    const stats = { actors: 4, awayCalls: 1, names: 2, counters: { ...newKernelCounters(), crashes: 7 } }
    const node = {
      id: 'here',
      threads: () => Promise.resolve([{ thread: 0, kind: 'main', stats }]),
      linkCounters: zeroPeerLinkCounters,
      regions: () => ['syd'],
      regionNodes: () => ['a', 'b'],
      primaryConflicts: () => ['b'],
    } as unknown as ObservedNode
    const stop = observeNode(node, { meterProvider })
    const points = await collect(reader)
    stop()
    const id = { 'skerry.node.id': 'here' }
    expect(points.get('skerry.primary.conflicts')).toEqual([{ attributes: id, value: 1 }])
    expect(points.get('skerry.region.nodes')).toEqual([{ attributes: { ...id, 'skerry.region': 'syd' }, value: 2 }])
    const main = { ...id, 'skerry.thread.kind': 'main' }
    for (const [name, value] of [
      ['actors', 4],
      ['away_calls', 1],
      ['crashes', 7],
    ] as const) {
      expect(points.get(`skerry.${name}`)).toContainEqual({ attributes: main, value })
    }
  })
})
