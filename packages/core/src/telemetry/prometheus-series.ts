import { isHistogram } from '../platform/call-measures.ts'
import type { SummedSeries } from '../platform/measure-sums.ts'
import { type Labels, printValue, type Sample } from './prometheus-text.ts'

/** A series as Prometheus has it: the buckets of a histogram are cumulative there, and durations are in seconds. */
export function samplesOf({ family, labels, values }: SummedSeries, buckets: readonly number[]): Sample[] {
  if (!isHistogram(family)) return [{ suffix: '', labels, value: values[0] as number }]
  const samples: Sample[] = []
  let count = 0
  for (const [index, bound] of [...buckets, Infinity].entries()) {
    count += values[index] as number
    const ofBucket: Labels = { ...labels, le: printValue(bound) }
    samples.push({ suffix: '_bucket', labels: ofBucket, value: count })
  }
  samples.push({ suffix: '_sum', labels, value: (values[buckets.length + 1] as number) / 1e9 })
  samples.push({ suffix: '_count', labels, value: count })
  return samples
}
