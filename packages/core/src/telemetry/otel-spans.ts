import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type TracerProvider,
} from '@opentelemetry/api'
import type { EventError } from '../platform/telemetry.ts'
import { installTraceScope, type TraceContext } from '../platform/trace-context.ts'
import { listen } from '../platform/listen.ts'
import {
  choiceAttributes,
  methodAttributes,
  seconds,
  serveAttributes,
  sourceAttributes,
  statusAttributes,
  targetAttributes,
} from './otel-attributes.ts'
import { formatBaggage, formatTrace, parseBaggage, parseTrace } from './w3c.ts'

/** Makes spans of what this thread tells. Returns what ends it. */
export function makeSpans(tracers: TracerProvider): () => void {
  const tracer = tracers.getTracer('@skerry/core')
  const spans = new WeakMap<object, Span>()
  /** So that code which runs at a place in a trace finds the very span there, and not only its numbers. */
  const contexts = new WeakMap<TraceContext, Context>()

  const contextOf = (at: TraceContext | undefined): Context => {
    if (at === undefined) return ROOT_CONTEXT
    const known = contexts.get(at)
    if (known !== undefined) return known
    const remote = parseTrace(at)
    if (remote === undefined) return ROOT_CONTEXT
    const there = trace.setSpanContext(ROOT_CONTEXT, remote)
    const baggage = at.baggage === undefined ? undefined : parseBaggage(at.baggage)
    return baggage === undefined ? there : propagation.setBaggage(there, baggage)
  }
  /** Notes the span of an event, whose work runs there from now on. */
  const begin = (event: { trace: TraceContext | undefined }, span: Span, parent: Context): void => {
    spans.set(event, span)
    const within = trace.setSpan(parent, span)
    const at = placeIn(within)
    if (at === undefined) return
    contexts.set(at, within)
    event.trace = at
  }
  const end = (event: { readonly error: EventError | undefined }): void => {
    const span = spans.get(event)
    if (span === undefined) return
    const { error } = event
    if (error !== undefined) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
      span.setAttribute('skerry.outcome', error.outcome)
    }
    span.end()
  }

  const stops = [
    installTraceScope({
      active: () => placeIn(context.active()),
      run: (at, work) => context.with(contextOf(at), work),
    }),

    listen('tracing:skerry:rpc.call:start', (event) => {
      const active = context.active()
      // Who follows no code has no active span; then the caller's context may know the place.
      const parent = trace.getSpanContext(active) === undefined ? beside(active, contextOf(event.parent)) : active
      const attributes = {
        ...methodAttributes(event.procedure),
        ...targetAttributes(event),
        ...sourceAttributes(event),
      }
      const span = tracer.startSpan(event.procedure, { kind: SpanKind.CLIENT, attributes }, parent)
      begin(event, span, parent)
      if (span.isRecording()) event.explain = true
    }),
    listen('skerry:rpc.attempt', ({ call, attempt, toNode, toRegion, previous }) => {
      spans.get(call)?.addEvent('skerry.rpc.attempt', {
        'skerry.rpc.attempt': attempt,
        'skerry.peer.node': toNode,
        'skerry.peer.region': toRegion,
        ...(previous !== undefined && { 'skerry.rpc.previous_error': previous.code }),
        ...choiceAttributes(call.choices.at(-1)),
      })
    }),
    listen('tracing:skerry:rpc.call:asyncEnd', (event) => {
      const { attempts, toNode, toRegion, served, durationMs, choices } = event
      const last = choices.at(-1)
      if (last?.refusal !== undefined) spans.get(event)?.addEvent('skerry.rpc.no_node', choiceAttributes(last))
      spans.get(event)?.setAttributes({
        ...statusAttributes(event.error),
        'skerry.rpc.attempts': attempts,
        ...(toNode !== undefined && { 'skerry.peer.node': toNode }),
        ...(toRegion !== undefined && { 'skerry.peer.region': toRegion }),
        ...(served !== undefined && {
          'skerry.rpc.queue_time': seconds(served.queueMs),
          'skerry.rpc.run_time': seconds(served.runMs),
          'skerry.rpc.wire_time': Math.max(0, seconds(durationMs - served.queueMs - served.runMs)),
        }),
      })
      end(event)
    }),

    listen('tracing:skerry:rpc.serve:start', (event) => {
      const parent = contextOf(event.parent)
      const attributes = {
        ...methodAttributes(event.procedure),
        ...serveAttributes(event),
        ...sourceAttributes(event),
        'skerry.rpc.queue_time': seconds(event.queueMs),
      }
      begin(event, tracer.startSpan(event.procedure, { kind: SpanKind.SERVER, attributes }, parent), parent)
    }),
    listen('tracing:skerry:rpc.serve:asyncEnd', (event) => {
      spans.get(event)?.setAttributes({ ...statusAttributes(event.error), 'skerry.rpc.run_time': seconds(event.runMs) })
      end(event)
    }),

    listen('tracing:skerry:actor.call:start', (event) => {
      const parent = contextOf(event.parent)
      const attributes = {
        'skerry.actor': event.actor,
        'skerry.actor.call': event.call,
        ...sourceAttributes(event),
        ...(event.queueMs !== undefined && { 'skerry.actor.queue_time': seconds(event.queueMs) }),
      }
      const name = `${event.actor}.${event.call}`
      begin(event, tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes }, parent), parent)
    }),
    listen('tracing:skerry:actor.call:asyncEnd', (event) => {
      if (event.error !== undefined) spans.get(event)?.setAttribute('error.type', event.error.code)
      end(event)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** The place of what runs in a context, with its baggage. */
function placeIn(within: Context): TraceContext | undefined {
  const at = formatTrace(trace.getSpanContext(within))
  const baggage = propagation.getBaggage(within)
  return at === undefined || baggage === undefined ? at : { ...at, baggage: formatBaggage(baggage) }
}

/** `parent`, with the baggage of the code that runs, if that has some though no span. */
function beside(active: Context, parent: Context): Context {
  const baggage = propagation.getBaggage(active)
  return baggage === undefined ? parent : propagation.setBaggage(parent, baggage)
}
