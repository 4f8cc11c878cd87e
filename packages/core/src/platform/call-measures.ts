import { type ChannelEvents, listen } from './listen.ts'
import type { EventSource } from './telemetry.ts'

/** What is measured of calls by region. Those that are durations are histograms, those that are active gauges, the others counters. */
export type MeasureFamily =
  | 'clientDuration'
  | 'serverDuration'
  | 'queueDuration'
  | 'clientActive'
  | 'serverActive'
  | 'retries'
  | 'refusals'
  /** Measurements without room. */
  | 'dropped'

export type MeasureLabels = Readonly<Record<string, string>>

/** One series of a family. Its thread writes it, any other may read it at any time, also when that thread is stuck or gone. */
export interface MeasuredSeries {
  readonly family: MeasureFamily
  readonly labels: MeasureLabels
  /**
   * Whole numbers of 64 bits. A counter, or a gauge: one. A histogram: how many fell into each bucket, the last of which has
   * no bound, and behind them the sum in nanoseconds.
   */
  readonly cells: SharedArrayBuffer
}

/** Series of one family that a thread tells apart; what has no room is counted. */
export const seriesMax = 1_000

export function isHistogram(family: MeasureFamily): boolean {
  return family === 'clientDuration' || family === 'serverDuration' || family === 'queueDuration'
}

/** Whether it says how it is now, rather than what has been: then it ends with its thread. */
export function isGauge(family: MeasureFamily): boolean {
  return family === 'clientActive' || family === 'serverActive'
}

/** The channels whose events say themselves where they happened. */
type Own = Exclude<keyof ChannelEvents, 'skerry:rpc.attempt'>

/** Measures the calls that are made and served on this thread, from the events that tell of them, until it is stopped. */
export class CallMeasures {
  readonly #source: EventSource
  readonly #buckets: readonly number[]
  readonly #onSeries: (series: MeasuredSeries) => void
  readonly #cells = new Map<string, BigInt64Array>()
  readonly #sizes = new Map<MeasureFamily, number>()
  readonly #stops: readonly (() => void)[]

  /**
   * @param buckets The upper bounds of durations, in seconds, ascending.
   * @param onSeries Told of each series as it gets its first value, which is not in it yet.
   */
  constructor(source: EventSource, buckets: readonly number[], onSeries: (series: MeasuredSeries) => void) {
    this.#source = source
    this.#buckets = buckets
    this.#onSeries = onSeries
    // Those that began before must not be counted down.
    const begun = new WeakSet<object>()
    this.#stops = [
      this.#own('tracing:skerry:rpc.call:start', (event) => {
        begun.add(event)
        this.#add('clientActive', { method: event.procedure }, 1)
      }),
      this.#own('tracing:skerry:rpc.call:asyncEnd', (event) => {
        if (!begun.has(event)) return
        const { procedure: method, error, toRegion: region = '', attempts, durationMs } = event
        this.#add('clientActive', { method }, -1)
        if (attempts > 1) this.#add('retries', { method }, attempts - 1)
        this.#observe('clientDuration', { method, region, code: error?.code ?? 'OK' }, durationMs)
      }),
      this.#own('tracing:skerry:rpc.serve:start', (event) => {
        begun.add(event)
        this.#add('serverActive', { method: event.procedure }, 1)
      }),
      this.#own('tracing:skerry:rpc.serve:asyncEnd', (event) => {
        if (!begun.has(event)) return
        const { procedure: method, error, queueMs, runMs } = event
        this.#add('serverActive', { method }, -1)
        this.#observe('serverDuration', { method, code: error?.code ?? 'OK' }, runMs)
        this.#observe('queueDuration', { method }, queueMs)
      }),
      this.#own('skerry:rpc.refuse', ({ procedure, error: { code } }) => {
        // A name that no node knows may be anything.
        this.#add('refusals', { method: code === 'ERR_NO_PROCEDURE' ? '_OTHER' : procedure, code }, 1)
      }),
    ]
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  #own<Name extends Own>(name: Name, act: (event: ChannelEvents[Name]) => void): () => void {
    const { node, life, thread } = this.#source
    return listen(name, (event) => {
      if (event.node === node && event.life === life && event.thread === thread) act(event)
    })
  }

  #add(family: MeasureFamily, labels: MeasureLabels, by: number): void {
    const cells = this.#cellsOf(family, labels, 1)
    if (cells !== undefined) Atomics.add(cells, 0, BigInt(by))
  }

  #observe(family: MeasureFamily, labels: MeasureLabels, durationMs: number): void {
    const buckets = this.#buckets
    const cells = this.#cellsOf(family, labels, buckets.length + 2)
    if (cells === undefined) return
    const bucket = buckets.findIndex((bound) => durationMs <= bound * 1_000)
    Atomics.add(cells, bucket === -1 ? buckets.length : bucket, 1n)
    Atomics.add(cells, buckets.length + 1, BigInt(Math.max(0, Math.round(durationMs * 1_000_000))))
  }

  #cellsOf(family: MeasureFamily, labels: MeasureLabels, count: number): BigInt64Array | undefined {
    const key = JSON.stringify([family, ...Object.values(labels)])
    const known = this.#cells.get(key)
    if (known !== undefined) return known
    const size = this.#sizes.get(family) ?? 0
    if (size >= seriesMax) {
      this.#add('dropped', {}, 1)
      return undefined
    }
    this.#sizes.set(family, size + 1)
    const cells = new SharedArrayBuffer(count * 8)
    const numbers = new BigInt64Array(cells)
    this.#cells.set(key, numbers)
    this.#onSeries({ family, labels, cells })
    return numbers
  }
}
