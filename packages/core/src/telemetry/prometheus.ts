import { counterTexts, snakeCase } from './counter-texts.ts'
import { type ChannelEvents, listen } from './listen.ts'
import { counterNames, type KindTotals, NodeTotals, type ObservedNode, type ThreadKind } from './node-totals.ts'
import { HistogramFamily, NumberFamily } from './prometheus-series.ts'
import { type Family, type Labels, printFamilies, type Sample } from './prometheus-text.ts'

export interface PrometheusOptions {
  /**
   * The upper bounds of the buckets of durations, in seconds, ascending. Default: from half a millisecond to 10 s, so that
   * calls within a region and around the world differ.
   */
  readonly buckets?: readonly number[]
}

/** Collects for one node until it is stopped. */
export interface PrometheusCollector {
  /** The `content-type` of what `text` gives. */
  readonly contentType: string
  /**
   * All metrics, in the text format. Asks each thread, for a second at most. Rejects with `ERR_NODE_STOPPED` when the node
   * is stopped.
   */
  text(): Promise<string>
  /** Ends the collection. */
  stop(): void
}

const contentType = 'text/plain; version=0.0.4; charset=utf-8'
const bucketsDefault = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * What a node counts and holds, and from here on the durations of its calls, for Prometheus to scrape. Counters cover all
 * threads; the histograms of calls cover those made, or run, on the thread that calls this, which should be the main one.
 * docs/telemetry.md has the names. A family has at most 1,000 series; what has no room is counted.
 *
 * @example
 * const metrics = prometheusCollector(node)
 * createServer((_, response) => metrics.text().then((text) => response.setHeader('content-type', metrics.contentType).end(text)))
 */
export function prometheusCollector(node: ObservedNode, options: PrometheusOptions = {}): PrometheusCollector {
  const totals = new NodeTotals(node)
  const calls = new CallFamilies(node, checkedBuckets(options.buckets ?? bucketsDefault))
  return {
    contentType,
    text: async () => printFamilies([...nodeFamilies(node, await totals.read()), ...calls.read()]),
    stop: () => calls.stop(),
  }
}

/** What a node counts and holds at this moment, without the durations of calls. */
export async function prometheusText(node: ObservedNode): Promise<string> {
  return printFamilies(nodeFamilies(node, await new NodeTotals(node).read()))
}

/** The channels whose events say themselves where they happened. */
type Own = Exclude<keyof ChannelEvents, 'skerry:rpc.attempt'>

class CallFamilies {
  readonly #clientDuration: HistogramFamily
  readonly #serverDuration: HistogramFamily
  readonly #queueDuration: HistogramFamily
  readonly #clientActive = new NumberFamily('gauge', 'skerry_rpc_client_active_calls', 'Outgoing calls that wait')
  readonly #serverActive = new NumberFamily('gauge', 'skerry_rpc_server_active_calls', 'Incoming calls that run')
  readonly #retries = new NumberFamily('counter', 'skerry_rpc_client_retries_total', 'Attempts after the first')
  readonly #refusals = new NumberFamily('counter', 'skerry_rpc_refusals_total', 'Incoming calls that were not run')
  readonly #stops: readonly (() => void)[]

  constructor({ id, life }: ObservedNode, buckets: readonly number[]) {
    const histogram = (name: string, help: string): HistogramFamily => new HistogramFamily(name, help, buckets)
    this.#clientDuration = histogram('skerry_rpc_client_duration_seconds', 'Outgoing calls, all attempts')
    this.#serverDuration = histogram('skerry_rpc_server_duration_seconds', 'Incoming calls, while their process ran')
    this.#queueDuration = histogram('skerry_rpc_server_queue_seconds', 'How long incoming calls waited to begin')
    // Those that began before must not be counted down.
    const begun = new WeakSet<object>()
    const own = <Name extends Own>(name: Name, act: (event: ChannelEvents[Name]) => void): (() => void) =>
      listen(name, (event) => {
        if (event.node === id && event.life === life) act(event)
      })
    this.#stops = [
      own('tracing:skerry:rpc.call:start', (event) => {
        begun.add(event)
        this.#clientActive.add({ method: event.procedure }, 1)
      }),
      own('tracing:skerry:rpc.call:asyncEnd', (event) => {
        if (!begun.has(event)) return
        const { procedure: method, error, toRegion: region = '', attempts, durationMs } = event
        this.#clientActive.add({ method }, -1)
        if (attempts > 1) this.#retries.add({ method }, attempts - 1)
        this.#clientDuration.observe({ method, region, code: error?.code ?? 'OK' }, durationMs / 1_000)
      }),
      own('tracing:skerry:rpc.serve:start', (event) => {
        begun.add(event)
        this.#serverActive.add({ method: event.procedure }, 1)
      }),
      own('tracing:skerry:rpc.serve:asyncEnd', (event) => {
        if (!begun.has(event)) return
        const { procedure: method, error, queueMs, runMs } = event
        this.#serverActive.add({ method }, -1)
        this.#serverDuration.observe({ method, code: error?.code ?? 'OK' }, runMs / 1_000)
        this.#queueDuration.observe({ method }, queueMs / 1_000)
      }),
      own('skerry:rpc.refuse', ({ procedure, error: { code } }) => {
        // A name that no node knows may be anything.
        this.#refusals.add({ method: code === 'ERR_NO_PROCEDURE' ? '_OTHER' : procedure, code }, 1)
      }),
    ]
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  read(): Family[] {
    const all = [
      this.#clientDuration,
      this.#serverDuration,
      this.#queueDuration,
      this.#clientActive,
      this.#serverActive,
      this.#retries,
      this.#refusals,
    ]
    const dropped = all.reduce((sum, family) => sum + family.dropped, 0)
    const help = 'Measurements that were left out, as their family had 1,000 series'
    return [...all.map((family) => family.read()), single('counter', 'skerry_telemetry_dropped_total', help, dropped)]
  }
}

function nodeFamilies(node: ObservedNode, totals: ReadonlyMap<ThreadKind, KindTotals>): Family[] {
  const perKind = (value: (of: KindTotals) => number): Sample[] =>
    [...totals].map(([kind, of]) => ({ suffix: '', labels: { thread: kind }, value: value(of) }))
  const { id, life, myRegion, primaryRegion } = node
  const info: Labels = { node: id, life: String(life), region: myRegion, primary_region: primaryRegion }
  return [
    familyOf('gauge', 'skerry_node_info', 'This node; always 1', [{ suffix: '', labels: info, value: 1 }]),
    familyOf(
      'gauge',
      'skerry_threads',
      'Threads of the node',
      perKind(({ threads }) => threads),
    ),
    familyOf(
      'gauge',
      'skerry_actors',
      'Actors, and what stands for watches and for calls to other regions',
      perKind(({ actors }) => actors),
    ),
    familyOf(
      'gauge',
      'skerry_away_calls',
      'Calls of actors to other threads and nodes that wait',
      perKind(({ awayCalls }) => awayCalls),
    ),
    familyOf(
      'gauge',
      'skerry_region_nodes',
      'Nodes that are up, as this node knows',
      node.regions().map((region) => ({ suffix: '', labels: { region }, value: node.regionNodes(region).length })),
    ),
    ...counterNames.map((name) =>
      familyOf(
        'counter',
        `skerry_${snakeCase(name)}_total`,
        counterTexts[name],
        perKind(({ counters }) => counters[name]),
      ),
    ),
  ]
}

function familyOf(type: Family['type'], name: string, help: string, samples: readonly Sample[]): Family {
  return { type, name, help, samples }
}

function single(type: Family['type'], name: string, help: string, value: number): Family {
  return familyOf(type, name, help, [{ suffix: '', labels: {}, value }])
}

function checkedBuckets(buckets: readonly number[]): readonly number[] {
  const ascends = buckets.every((bound, index) => Number.isFinite(bound) && bound > (buckets[index - 1] ?? 0))
  if (ascends) return buckets
  throw new RangeError(`options.buckets must be numbers above 0, ascending, not ${buckets.join(', ')}`)
}
