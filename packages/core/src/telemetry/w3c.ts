import {
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  createTraceState,
  isSpanContextValid,
  propagation,
  type SpanContext,
} from '@opentelemetry/api'
import { isWellFormed } from '../base/well-formed.ts'
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

/** As https://www.w3.org/TR/baggage/ writes it, without the members that can't be written. */
export function formatBaggage(baggage: Baggage): string {
  return baggage
    .getAllEntries()
    .filter(([key, { value }]) => isWellFormed(key) && isWellFormed(value))
    .map(([key, { value, metadata }]) => {
      const properties = metadata?.toString() ?? ''
      return `${encodeURIComponent(key)}=${encodeURIComponent(value)}${properties === '' ? '' : `;${properties}`}`
    })
    .join(',')
}

/** Reads it back, without the members that are none: a peer may send anything. `undefined` where none is left. */
export function parseBaggage(text: string): Baggage | undefined {
  // Without a prototype, as keys are a peer's.
  const entries = Object.create(null) as Record<string, BaggageEntry>
  for (const member of text.split(',')) {
    const [pair = '', ...properties] = member.split(';')
    const [key, value] = splitPair(pair)
    if (key === undefined || key === '' || value === undefined) continue
    const metadata = properties.join(';').trim()
    entries[key] = { value, ...(metadata !== '' && { metadata: baggageEntryMetadataFromString(metadata) }) }
  }
  return Object.keys(entries).length === 0 ? undefined : propagation.createBaggage(entries)
}

function splitPair(pair: string): readonly (string | undefined)[] {
  const at = pair.indexOf('=')
  if (at === -1) return []
  return [decoded(pair.slice(0, at).trim()), decoded(pair.slice(at + 1).trim())]
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
