import { isGauge, type MeasuredSeries, type MeasureFamily, type MeasureLabels, seriesMax } from './call-measures.ts'

/** One series over all threads: its cells, added up. */
export interface SummedSeries {
  readonly family: MeasureFamily
  readonly labels: MeasureLabels
  readonly values: readonly number[]
}

/**
 * What the threads of a node have measured, added up: those that run, as they stand at the moment of the look, and those
 * that have ended, whose last figures are kept. A family has at most 1,000 series; what has no room is counted as `dropped`.
 */
export class MeasureSums {
  readonly #live = new Map<number, MeasuredSeries[]>()
  #ended = new Sums()

  add(thread: number, series: MeasuredSeries): void {
    const all = this.#live.get(thread)
    if (all === undefined) this.#live.set(thread, [series])
    else all.push(series)
  }

  /** It writes no more. What it was doing just then has ended with it. */
  threadEnded(thread: number): void {
    for (const series of this.#live.get(thread) ?? []) {
      if (isGauge(series.family)) this.#ended.add(series.family, series.labels, [0])
      else this.#ended.take(series)
    }
    this.#live.delete(thread)
  }

  read(): SummedSeries[] {
    const sums = this.#ended.copy()
    for (const all of this.#live.values()) for (const series of all) sums.take(series)
    return sums.all()
  }
}

interface Sum {
  readonly family: MeasureFamily
  readonly labels: MeasureLabels
  readonly values: number[]
}

class Sums {
  readonly #sums = new Map<string, Sum>()
  readonly #sizes = new Map<MeasureFamily, number>()

  all(): Sum[] {
    return [...this.#sums.values()]
  }

  copy(): Sums {
    const copy = new Sums()
    for (const { family, labels, values } of this.#sums.values()) copy.add(family, labels, values)
    return copy
  }

  take({ family, labels, cells }: MeasuredSeries): void {
    const numbers = new BigInt64Array(cells)
    this.add(
      family,
      labels,
      Array.from(numbers, (_, index) => Number(Atomics.load(numbers, index))),
    )
  }

  add(family: MeasureFamily, labels: MeasureLabels, values: readonly number[]): void {
    const key = JSON.stringify([family, ...Object.values(labels)])
    const known = this.#sums.get(key)
    if (known !== undefined) {
      for (const [index, value] of values.entries()) known.values[index] = (known.values[index] as number) + value
      return
    }
    const size = this.#sizes.get(family) ?? 0
    if (size >= seriesMax) {
      this.add('dropped', {}, [1])
      return
    }
    this.#sizes.set(family, size + 1)
    this.#sums.set(key, { family, labels, values: [...values] })
  }
}
