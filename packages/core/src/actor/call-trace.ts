import { noteTrace, type TraceContext } from '../platform/trace-context.ts'

/** What is known of a call that is part of a trace, beside the call itself. */
export interface CallTrace {
  readonly trace: TraceContext
  /** When it was made, by this thread's monotonic clock; `undefined` for one from elsewhere. */
  readonly madeMs: number | undefined
}

// Beside and not in the call: a field costs every call, and nearly none is traced.
const traces = new WeakMap<object, CallTrace>()

/** Notes that a call, or the request that stands for it in a mailbox, is part of a trace. */
export function traceCall(call: object, trace: TraceContext | undefined, madeMs?: number): void {
  if (trace === undefined) return
  noteTrace()
  traces.set(call, { trace, madeMs })
}

export function traceOfCall(call: object): CallTrace | undefined {
  return traces.get(call)
}
