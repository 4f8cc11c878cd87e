import type { TraceEvent, TraceKind } from '../trace-event.ts'

/** What of a trace is shown. */
export interface EventFilter {
  /** Words that must all occur in an event's node, kind, other node or caption, in any case. */
  readonly text: string
  readonly hiddenKinds: ReadonlySet<TraceKind>
  readonly hiddenNodes: ReadonlySet<string>
}

/** By event: 1 where it is shown. */
export function filterEvents(events: readonly TraceEvent[], filter: EventFilter): Uint8Array {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  return Uint8Array.from(events, (event) => (passes(event, filter, words) ? 1 : 0))
}

function passes(event: TraceEvent, { hiddenKinds, hiddenNodes }: EventFilter, words: readonly string[]): boolean {
  if (hiddenKinds.has(event.kind) || hiddenNodes.has(event.node)) return false
  if (words.length === 0) return true
  const text = `${event.node} ${event.kind} ${event.peer ?? ''} ${event.msg ?? ''}`.toLowerCase()
  return words.every((word) => text.includes(word))
}
