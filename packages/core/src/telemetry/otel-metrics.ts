import type { MeterProvider } from '@opentelemetry/api'
import { listen } from '../platform/listen.ts'
import { methodAttributes, seconds, statusAttributes } from './otel-attributes.ts'

/** The conventions' advice for durations, in seconds. */
const bucketsS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Measures what this thread tells. Returns what ends it. Attributes are few: procedures, codes and regions, never ids. */
export function measureCalls(meters: MeterProvider): () => void {
  const meter = meters.getMeter('@skerry/core')
  const duration = { unit: 's', advice: { explicitBucketBoundaries: bucketsS } }
  const clientDuration = meter.createHistogram('rpc.client.call.duration', {
    ...duration,
    description: 'Duration of outgoing calls, all attempts',
  })
  const serverDuration = meter.createHistogram('rpc.server.call.duration', {
    ...duration,
    description: 'Duration of incoming calls, from the beginning of their process',
  })
  const queueDuration = meter.createHistogram('skerry.rpc.server.queue.duration', {
    ...duration,
    description: 'How long incoming calls waited for their process to begin',
  })
  const clientActive = meter.createUpDownCounter('skerry.rpc.client.active_calls', {
    unit: '{call}',
    description: 'Outgoing calls that wait for their answer',
  })
  const serverActive = meter.createUpDownCounter('skerry.rpc.server.active_calls', {
    unit: '{call}',
    description: 'Incoming calls that run',
  })
  const retries = meter.createCounter('skerry.rpc.client.retries', {
    unit: '{attempt}',
    description: 'Attempts after the first',
  })
  const refusals = meter.createCounter('skerry.rpc.server.refusals', {
    unit: '{call}',
    description: 'Incoming calls that were not run',
  })
  // Those that began before this did must not be counted down.
  const begun = new WeakSet<object>()

  const stops = [
    listen('tracing:skerry:rpc.call:start', (event) => {
      begun.add(event)
      clientActive.add(1, methodAttributes(event.procedure))
    }),
    listen('tracing:skerry:rpc.call:asyncEnd', (event) => {
      if (!begun.has(event)) return
      const method = methodAttributes(event.procedure)
      clientActive.add(-1, method)
      if (event.attempts > 1) retries.add(event.attempts - 1, method)
      const { toRegion, error } = event
      const region = toRegion !== undefined && { 'skerry.peer.region': toRegion }
      clientDuration.record(seconds(event.durationMs), { ...method, ...statusAttributes(error), ...region })
    }),
    listen('tracing:skerry:rpc.serve:start', (event) => {
      begun.add(event)
      serverActive.add(1, methodAttributes(event.procedure))
    }),
    listen('tracing:skerry:rpc.serve:asyncEnd', (event) => {
      if (!begun.has(event)) return
      const method = methodAttributes(event.procedure)
      serverActive.add(-1, method)
      const attributes = { ...method, ...statusAttributes(event.error), 'skerry.caller.region': event.callerRegion }
      serverDuration.record(seconds(event.runMs), attributes)
      queueDuration.record(seconds(event.queueMs), method)
    }),
    listen('skerry:rpc.refuse', ({ procedure, error }) => {
      // A name that no node knows may be anything.
      const method = methodAttributes(error.code === 'ERR_NO_PROCEDURE' ? '_OTHER' : procedure)
      refusals.add(1, { ...method, ...statusAttributes(error) })
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
