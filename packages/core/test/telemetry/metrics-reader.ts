import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished } from 'vitest'

class TestReader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

/** Takes measurements, until the test is over, and gives them when it is asked. */
export function metricsReader(): { reader: MetricReader; meterProvider: MeterProvider } {
  const reader = new TestReader()
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  return { reader, meterProvider }
}

/** Every point that was measured, by the name of its metric. */
export async function collect(reader: MetricReader): Promise<Map<string, { attributes: object; value: unknown }[]>> {
  const { resourceMetrics, errors } = await reader.collect()
  expect(errors).toStrictEqual([])
  return new Map(
    resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({ attributes, value })),
      ]),
  )
}
