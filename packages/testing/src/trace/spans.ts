import type { Trace, TraceEvent, TraceHeader } from './trace-event.ts'

/** A fault from its beginning to its end. */
export interface FaultSpan {
  readonly event: TraceEvent
  /** Virtual microseconds, as is `untilUs`. Equal for what has no length, such as a reset. */
  readonly fromUs: number
  readonly untilUs: number
  /** The nodes that it names, or whose region it names. */
  readonly nodes: readonly string[]
}

/** A time in which a node was not running. */
export interface DownSpan {
  readonly node: string
  readonly fromUs: number
  readonly untilUs: number
}

/** When the last event of the trace was, in virtual microseconds; at least 1, so that one can divide by it. */
export function traceEndUs({ header, events }: Trace): number {
  return Math.max(1, events.at(-1)?.t ?? header.durationUs)
}

/** Every fault of the run, in the order of their beginnings. One that was never healed lasts to the end. */
export function faultSpans(trace: Trace): FaultSpan[] {
  const endUs = traceEndUs(trace)
  const healedUs = new Map<number, number>()
  for (const { kind, cause, t } of trace.events) if (kind === 'heal') healedUs.set(cause, t)
  return trace.events
    .filter(({ kind }) => kind === 'fault')
    .map((event) => ({
      event,
      fromUs: event.t,
      untilUs: Math.max(event.t, healedUs.get(event.i) ?? Math.min(event.until ?? endUs, endUs)),
      nodes: namedNodes(event.msg ?? '', trace.header),
    }))
}

/** When which node was down: before it first boots, and from a crash or stop until the next boot. */
export function downSpans(trace: Trace): DownSpan[] {
  const spans: DownSpan[] = []
  const downFromUs = new Map(bootingNodes(trace).map((name) => [name, 0]))
  for (const { kind, node, t } of trace.events) {
    const fromUs = downFromUs.get(node)
    if (kind === 'boot' && fromUs !== undefined) {
      if (t > fromUs) spans.push({ node, fromUs, untilUs: t })
      downFromUs.delete(node)
    } else if ((kind === 'crash' || kind === 'stop') && fromUs === undefined) downFromUs.set(node, t)
  }
  const endUs = traceEndUs(trace)
  for (const [node, fromUs] of downFromUs) spans.push({ node, fromUs, untilUs: endUs })
  return spans
}

/** A trace may be of something that never boots, such as a piece of a run: its nodes are up from the start. */
function bootingNodes({ events }: Trace): string[] {
  return [...new Set(events.filter(({ kind, node }) => kind === 'boot' && node !== '').map(({ node }) => node))]
}

/**
 * Read from the caption, so that a trace that was saved shows the same as a fresh one. `rest` stands for nobody: of a
 * region that is cut off from all others, only that region is marked.
 */
function namedNodes(caption: string, { nodes }: TraceHeader): string[] {
  const words = new Set(caption.split(/[\s{}|,]+/))
  return nodes.filter(({ name, region }) => words.has(name) || words.has(region)).map(({ name }) => name)
}
