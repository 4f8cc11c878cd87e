/**
 * A place in a trace, as W3C Trace Context writes it (https://www.w3.org/TR/trace-context/). Core carries the texts from
 * caller to callee, over threads and nodes, and does not read them.
 */
export interface TraceContext {
  /** Version, trace, parent span and flags: `00-<32 hex>-<16 hex>-<2 hex>`. */
  readonly traceparent: string
  /** What tracing systems add for themselves. */
  readonly tracestate?: string
  /** What the origin of the work says to all that it leads to, as https://www.w3.org/TR/baggage/ writes it. */
  readonly baggage?: string
}

/** Work that may have a place in a trace. */
export interface InTrace {
  readonly trace: TraceContext | undefined
}

/** How a tracer follows code that awaits. Neither may throw. */
export interface TraceScope {
  /** The place in a trace that the running code belongs to. */
  active(): TraceContext | undefined
  /** Runs `work` there, with all that it awaits; `undefined`: outside of any trace. */
  run<T>(trace: TraceContext | undefined, work: () => T): T
}

// One for all that runs on this thread, as turns and handlers have no platform at hand.
let scope: TraceScope | undefined

/**
 * Whether this thread's code was ever followed, or anything on it part of a trace: the one question of whatever is done so often
 * that it can't ask more. `false`: there is no trace to go on from, and nobody who looks.
 */
export interface Tracing {
  readonly isOn: boolean
}

const ofThread = { isOn: false }

/**
 * This thread's. Who asks at every call keeps it in an object that the call looks at anyway: from there it is about five instructions,
 * and fifteen where a function of another module is asked.
 */
export const tracing: Tracing = ofThread

/** Something on this thread is part of a trace. Said before anything may ask for that trace. */
export function noteTrace(): void {
  ofThread.isOn = true
}

/** From here on `next` follows what runs on this thread; `undefined`: nobody does. Returns a function that brings back the one before. */
export function installTraceScope(next: TraceScope | undefined): () => void {
  const before = scope
  scope = next
  if (next !== undefined) noteTrace()
  return () => {
    scope = before
  }
}

/** Whether somebody follows the code of this thread. */
export function isTraceFollowed(): boolean {
  return scope !== undefined
}

/** The place in a trace that the running code belongs to, as far as somebody follows it. */
export function activeTrace(): TraceContext | undefined {
  return scope?.active()
}

/** Runs `work` at that place in a trace, if somebody follows. */
export function runInTrace<T>(trace: TraceContext | undefined, work: () => T): T {
  return scope === undefined ? work() : scope.run(trace, work)
}

/** A traceparent of version 00 has 55 characters; later versions may add some. */
const traceparentCharsMax = 128
/** What W3C asks everybody to carry at least. */
const tracestateCharsMax = 512
/** The same. */
export const baggageCharsMax = 8_192

/** What of it is carried: all, without a tracestate or baggage that is too long or no ASCII, or nothing of a traceparent that is. */
export function carriedTrace(trace: TraceContext | undefined): TraceContext | undefined {
  if (trace === undefined || !isCarried(trace.traceparent, traceparentCharsMax)) return undefined
  const { traceparent, tracestate, baggage } = trace
  return {
    traceparent,
    ...(tracestate !== undefined && isCarried(tracestate, tracestateCharsMax) && { tracestate }),
    ...(baggage !== undefined && isCarried(baggage, baggageCharsMax) && { baggage }),
  }
}

function isCarried(text: string, charsMax: number): boolean {
  return text.length <= charsMax && /^[\x20-\x7e]+$/.test(text)
}
