import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api'
import type { TraceContext } from '../platform/trace-context.ts'

/** As https://www.w3.org/TR/trace-context/ writes a span's place; `undefined` for one that no tracer made. */
export function formatTrace(span: SpanContext | undefined): TraceContext | undefined {
  if (span === undefined || !isSpanContextValid(span)) return undefined
  const { traceId, spanId, traceFlags, traceState } = span
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const tracestate = traceState?.serialize() ?? ''
  return { traceparent, ...(tracestate !== '' && { tracestate }) }
}

const traceparentForm =
  /^(?<version>[\da-f]{2})-(?<trace>[\da-f]{32})-(?<span>[\da-f]{16})-(?<flags>[\da-f]{2})(?<more>-.*)?$/

/** Reads it back, as the place of a span elsewhere. `undefined` for what is none, which peers may send. */
export function parseTrace({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const { version, trace, span, flags, more } = traceparentForm.exec(traceparent)?.groups ?? {}
  if (trace === undefined || span === undefined || flags === undefined || version === 'ff') return undefined
  // Later versions may add parts.
  if (version === '00' && more !== undefined) return undefined
  const context: SpanContext = {
    traceId: trace,
    spanId: span,
    traceFlags: Number.parseInt(flags, 16) & 0xff,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  }
  return isSpanContextValid(context) ? context : undefined
}
