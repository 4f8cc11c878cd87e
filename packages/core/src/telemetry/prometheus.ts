import type { MeasureFamily } from '../platform/call-measures.ts'
import type { SummedSeries } from '../platform/measure-sums.ts'
import type { CallMeasurement } from '../thread/node-measures.ts'
import { counterTexts, linkCounterTexts, snakeCase } from './counter-texts.ts'
import {
  counterNames,
  type KindTotals,
  linkCounterNames,
  NodeTotals,
  type ObservedNode,
  type ThreadKind,
} from './node-totals.ts'
import { samplesOf } from './prometheus-series.ts'
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
 * What a node counts and holds, and from here on the durations of its calls, for Prometheus to scrape, all of it over all
 * threads of the node. Calls are measured in shared memory: what a thread measured is there too while it is stuck, and when it
 * was killed. The other counters are asked for, and of a thread that is stuck they are what it told last. docs/telemetry.md
 * has the names. A family has at most 1,000 series; what has no room is counted.
 *
 * @example
 * const metrics = prometheusCollector(node)
 * createServer((_, response) => metrics.text().then((text) => response.setHeader('content-type', metrics.contentType).end(text)))
 */
export function prometheusCollector(node: MeasuredNode, options: PrometheusOptions = {}): PrometheusCollector {
  const totals = new NodeTotals(node)
  const buckets = checkedBuckets(options.buckets ?? bucketsDefault)
  const calls = node.measureCalls(buckets)
  return {
    contentType,
    text: async () => {
      const counted = nodeFamilies(node, await totals.read())
      return printFamilies([...counted, ...measuredFamilies(calls.read(), buckets)])
    },
    stop: () => calls.stop(),
  }
}

/** What a node counts and holds at this moment, without the durations of calls. */
export async function prometheusText(node: ObservedNode): Promise<string> {
  return printFamilies(nodeFamilies(node, await new NodeTotals(node).read()))
}

/** A node whose calls can be measured. */
export interface MeasuredNode extends ObservedNode {
  measureCalls(buckets: readonly number[]): CallMeasurement
}

const conflictsHelp = 'Nodes that are configured with another primary region'
const droppedHelp = 'Measurements that were left out, as their family had 1,000 series'

const callFamilies: readonly (readonly [MeasureFamily, Omit<Family, 'samples'>])[] = [
  ['clientDuration', headOf('histogram', 'skerry_rpc_client_duration_seconds', 'Outgoing calls, all attempts')],
  [
    'serverDuration',
    headOf('histogram', 'skerry_rpc_server_duration_seconds', 'Incoming calls, while their process ran'),
  ],
  ['queueDuration', headOf('histogram', 'skerry_rpc_server_queue_seconds', 'How long incoming calls waited to begin')],
  ['clientActive', headOf('gauge', 'skerry_rpc_client_active_calls', 'Outgoing calls that wait')],
  ['serverActive', headOf('gauge', 'skerry_rpc_server_active_calls', 'Incoming calls that run')],
  ['retries', headOf('counter', 'skerry_rpc_client_retries_total', 'Attempts after the first')],
  ['refusals', headOf('counter', 'skerry_rpc_refusals_total', 'Incoming calls that were not run')],
]

function measuredFamilies(series: readonly SummedSeries[], buckets: readonly number[]): Family[] {
  const of = (wanted: MeasureFamily): SummedSeries[] => series.filter(({ family }) => family === wanted)
  const dropped = of('dropped')[0]?.values[0] ?? 0
  return [
    ...callFamilies.map(([family, head]) => ({
      ...head,
      samples: of(family).flatMap((one) => samplesOf(one, buckets)),
    })),
    single('counter', 'skerry_telemetry_dropped_total', droppedHelp, dropped),
  ]
}

function nodeFamilies(node: ObservedNode, totals: ReadonlyMap<ThreadKind, KindTotals>): Family[] {
  const perKind = (value: (of: KindTotals) => number): Sample[] =>
    [...totals].map(([kind, of]) => ({ suffix: '', labels: { thread: kind }, value: value(of) }))
  const { id, life, myRegion, primaryRegion } = node
  const links = node.linkCounters()
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
    single('gauge', 'skerry_primary_conflicts', conflictsHelp, node.primaryConflicts().length),
    ...linkCounterNames.map((name) =>
      single('counter', `skerry_link_${snakeCase(name)}_total`, linkCounterTexts[name], links[name]),
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

function headOf(type: Family['type'], name: string, help: string): Omit<Family, 'samples'> {
  return { type, name, help }
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
