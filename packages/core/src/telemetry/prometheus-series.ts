import { type Family, type Labels, printValue, type Sample } from './prometheus-text.ts'

/** Label values of one family that are told apart; further ones are counted, in {@link Series.dropped}. */
const seriesMax = 1_000

/** The series of one family, by their labels. */
class Series<T> {
  /** How often a series had no room. */
  dropped = 0
  readonly #byLabels = new Map<string, { readonly labels: Labels; readonly of: T }>()
  readonly #make: () => T

  constructor(make: () => T) {
    this.#make = make
  }

  get(labels: Labels): T | undefined {
    const key = JSON.stringify(Object.values(labels))
    const known = this.#byLabels.get(key)
    if (known !== undefined) return known.of
    if (this.#byLabels.size >= seriesMax) {
      this.dropped += 1
      return undefined
    }
    const of = this.#make()
    this.#byLabels.set(key, { labels, of })
    return of
  }

  get all(): Iterable<{ readonly labels: Labels; readonly of: T }> {
    return this.#byLabels.values()
  }
}

/** A number for each set of labels, which always come in the same order. */
export class NumberFamily {
  readonly #family: Omit<Family, 'samples'>
  readonly #series = new Series(() => ({ value: 0 }))

  constructor(type: 'counter' | 'gauge', name: string, help: string) {
    this.#family = { type, name, help }
  }

  get dropped(): number {
    return this.#series.dropped
  }

  add(labels: Labels, by: number): void {
    const one = this.#series.get(labels)
    if (one !== undefined) one.value += by
  }

  read(): Family {
    const samples = [...this.#series.all].map(({ labels, of }) => ({ suffix: '', labels, value: of.value }))
    return { ...this.#family, samples }
  }
}

/** A histogram for each set of labels. */
export class HistogramFamily {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #series: Series<{ readonly counts: number[]; sum: number; count: number }>

  /** @param bounds The upper bounds of its buckets, ascending, without infinity. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name
    this.#help = help
    this.#bounds = bounds
    this.#series = new Series(() => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }))
  }

  get dropped(): number {
    return this.#series.dropped
  }

  observe(labels: Labels, value: number): void {
    const one = this.#series.get(labels)
    if (one === undefined) return
    const bucket = this.#bounds.findIndex((bound) => value <= bound)
    if (bucket >= 0) one.counts[bucket] = (one.counts[bucket] as number) + 1
    one.sum += value
    one.count += 1
  }

  read(): Family {
    const samples: Sample[] = []
    for (const { labels, of } of this.#series.all) {
      let below = 0
      for (const [index, bound] of this.#bounds.entries()) {
        below += of.counts[index] as number
        samples.push({ suffix: '_bucket', labels: { ...labels, le: printValue(bound) }, value: below })
      }
      samples.push({ suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: of.count })
      samples.push({ suffix: '_sum', labels, value: of.sum })
      samples.push({ suffix: '_count', labels, value: of.count })
    }
    return { name: this.#name, type: 'histogram', help: this.#help, samples }
  }
}
