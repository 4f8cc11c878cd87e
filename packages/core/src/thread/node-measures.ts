import { CallMeasures, type MeasuredSeries } from '../platform/call-measures.ts'
import { MeasureSums, type SummedSeries } from '../platform/measure-sums.ts'
import type { EventSource } from '../platform/telemetry.ts'
import type { MeasureOrder, ToThread } from './thread-message.ts'

/** Measures the calls of a node, on all of its threads, until it is stopped. */
export interface CallMeasurement {
  /**
   * What was measured since it began, over all threads. It reads shared memory and asks no thread: of one that is stuck it
   * has all until it got stuck, of one that was killed all until then.
   */
  read(): readonly SummedSeries[]
  stop(): void
}

/** What the collectors of a node want measured, and what its threads have measured for them. */
export class NodeMeasures {
  readonly #main: EventSource
  readonly #broadcast: (message: ToThread) => void
  readonly #open = new Map<
    number,
    { readonly order: MeasureOrder; readonly sums: MeasureSums; readonly own: CallMeasures }
  >()
  #lastRef = 0

  constructor(
    { node, life }: { readonly node: string; readonly life: number },
    broadcast: (message: ToThread) => void,
  ) {
    this.#main = { node, life, thread: 0 }
    this.#broadcast = broadcast
  }

  /** What a thread that starts now measures from its beginning. */
  get orders(): readonly MeasureOrder[] {
    return [...this.#open.values()].map(({ order }) => order)
  }

  /** @param buckets The upper bounds of durations, in seconds, ascending. */
  start(buckets: readonly number[]): CallMeasurement {
    const ref = (this.#lastRef += 1)
    const order: MeasureOrder = { ref, buckets }
    const sums = new MeasureSums()
    const own = new CallMeasures(this.#main, buckets, (series) => sums.add(0, series))
    this.#open.set(ref, { order, sums, own })
    this.#broadcast({ type: 'measure', order })
    return { read: () => sums.read(), stop: () => this.#stop(ref) }
  }

  measured(thread: number, ref: number, series: MeasuredSeries): void {
    this.#open.get(ref)?.sums.add(thread, series)
  }

  threadEnded(thread: number): void {
    for (const { sums } of this.#open.values()) sums.threadEnded(thread)
  }

  stop(): void {
    for (const { own } of this.#open.values()) own.stop()
    this.#open.clear()
  }

  #stop(ref: number): void {
    const one = this.#open.get(ref)
    if (one === undefined) return
    one.own.stop()
    this.#open.delete(ref)
    this.#broadcast({ type: 'unmeasure', ref })
  }
}
