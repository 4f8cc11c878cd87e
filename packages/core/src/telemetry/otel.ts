import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api'
import { counterTexts, linkCounterTexts, snakeCase } from './counter-texts.ts'
import { measureCalls } from './otel-metrics.ts'
import { makeSpans } from './otel-spans.ts'
import { counterNames, linkCounterNames, NodeTotals, type ObservedNode } from './node-totals.ts'

export interface InstrumentOptions {
  /** Makes the spans. Default: the global one of `@opentelemetry/api`; `false`: there are none, and no trace is begun. */
  readonly tracerProvider?: TracerProvider | false
  /** Takes the measurements. Default: the global one; `false`: there are none. */
  readonly meterProvider?: MeterProvider | false
}

/**
 * From here on the calls of all nodes that this thread has are OpenTelemetry's: a client span each, with its attempts as
 * events; a server span where it runs; a span for each call of a GenServer that is part of a trace; durations and counts.
 * Returns a function that ends it. docs/telemetry.md has the names.
 *
 * Call it once on each thread that should tell: by a file given as `--import`, which runs on all of them. A thread
 * without it carries traces on and tells nothing. Code is followed over awaits as far as the context manager does that is
 * registered with the API (the SDK's `AsyncLocalStorageContextManager`); without one, calls by `ctx` still go on in the
 * trace of their own call.
 *
 * @example
 * new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }).register()
 * const stop = instrument()
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options
  const stops: (() => void)[] = []
  if (tracerProvider !== false) stops.push(makeSpans(tracerProvider))
  if (meterProvider !== false) stops.push(measureCalls(meterProvider))
  return () => {
    for (const stop of stops) stop()
  }
}

/**
 * From here on a node's counters, over all of its threads, and what it holds are OpenTelemetry's, each time somebody
 * collects. Returns a function that ends it; call it before the node stops.
 *
 * @example
 * const node = await startNode(shop)
 * const stop = observeNode(node)
 */
export function observeNode(node: ObservedNode, options: { readonly meterProvider?: MeterProvider } = {}): () => void {
  const meter = (options.meterProvider ?? metrics.getMeterProvider()).getMeter('@skerry/core')
  const totals = new NodeTotals(node)
  const counters = counterNames.map((name) => {
    const counter = meter.createObservableCounter(`skerry.${snakeCase(name)}`, { description: counterTexts[name] })
    return { name, counter }
  })
  const linkCounters = linkCounterNames.map((name) => {
    const description = linkCounterTexts[name]
    return { name, counter: meter.createObservableCounter(`skerry.link.${snakeCase(name)}`, { description }) }
  })
  const threads = meter.createObservableGauge('skerry.threads', { unit: '{thread}', description: 'Threads' })
  const actors = meter.createObservableGauge('skerry.actors', {
    unit: '{actor}',
    description: 'Actors, and what stands for watches and for calls to other regions',
  })
  const awayCalls = meter.createObservableGauge('skerry.away_calls', {
    unit: '{call}',
    description: 'Calls of actors to other threads and nodes that wait for their answers',
  })
  const regionNodes = meter.createObservableGauge('skerry.region.nodes', {
    unit: '{node}',
    description: 'Nodes that are up, as this node knows',
  })
  const conflicts = meter.createObservableGauge('skerry.primary.conflicts', {
    unit: '{node}',
    description: 'Nodes that are configured with another primary region',
  })
  const counted = [...counters, ...linkCounters].map(({ counter }) => counter)
  const all = [...counted, threads, actors, awayCalls, regionNodes, conflicts]

  const observe = async (
    result: Parameters<Parameters<typeof meter.addBatchObservableCallback>[0]>[0],
  ): Promise<void> => {
    const source = { 'skerry.node.id': node.id }
    for (const [kind, of] of await totals.read()) {
      const attributes = { ...source, 'skerry.thread.kind': kind }
      result.observe(threads, of.threads, attributes)
      result.observe(actors, of.actors, attributes)
      result.observe(awayCalls, of.awayCalls, attributes)
      for (const { name, counter } of counters) result.observe(counter, of.counters[name], attributes)
    }
    const links = node.linkCounters()
    for (const { name, counter } of linkCounters) result.observe(counter, links[name], source)
    result.observe(conflicts, node.primaryConflicts().length, source)
    for (const region of node.regions()) {
      result.observe(regionNodes, node.regionNodes(region).length, { ...source, 'skerry.region': region })
    }
  }
  meter.addBatchObservableCallback(observe, all)
  return () => meter.removeBatchObservableCallback(observe, all)
}
