import { sendOf } from '../causes.ts'
import { type DownSpan, downSpans, type FaultSpan, faultSpans, traceEndUs } from '../spans.ts'
import type { Trace, TraceEvent, TraceKind } from '../trace-event.ts'

/** A trace, laid out for drawing: everything that is looked up by lane or by time is found here by index. */
export interface PageModel {
  readonly trace: Trace
  readonly events: readonly TraceEvent[]
  readonly endUs: number
  /** The simulation's own lane first, then region by region. */
  readonly lanes: readonly Lane[]
  /** By event. */
  readonly laneOf: Int32Array
  readonly faults: readonly FaultSpan[]
  /** Every message that arrived, in the order of arrival. */
  readonly messages: readonly Message[]
  /** The longest flight of a message: how far before the window its beginning may lie. */
  readonly flightUsMax: number
  /** By kind, most frequent first. */
  readonly kinds: readonly (readonly [TraceKind, number])[]
}

export interface Lane {
  readonly name: string
  readonly region: string
  /** Its events, by index, in order. */
  readonly events: readonly number[]
  readonly downs: readonly DownSpan[]
  readonly faults: readonly FaultSpan[]
}

export interface Message {
  readonly send: TraceEvent
  readonly recv: TraceEvent
}

/** Lays out a trace once, when the page opens. */
export function createPageModel(trace: Trace): PageModel {
  const { events, header } = trace
  const places = [
    { name: '', region: '' },
    // A stable sort: nodes of a region stay in the order in which they were made.
    ...regionsOf(trace).flatMap((region) => header.nodes.filter((node) => node.region === region)),
  ]
  const indexOf = new Map(places.map(({ name }, index) => [name, index]))
  const laneOf = Int32Array.from(events, ({ node }) => indexOf.get(node) ?? 0)
  const eventsOf = places.map((): number[] => [])
  const kinds = new Map<TraceKind, number>()
  const messages: Message[] = []
  let flightUsMax = 0
  for (const [index, event] of events.entries()) {
    eventsOf[laneOf[index] ?? 0]?.push(index)
    kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1)
    const send = sendOf(events, event)
    if (send === undefined) continue
    messages.push({ send, recv: event })
    flightUsMax = Math.max(flightUsMax, event.t - send.t)
  }
  const faults = faultSpans(trace)
  const downs = downSpans(trace)
  return {
    trace,
    events,
    endUs: traceEndUs(trace),
    lanes: places.map((place, index) => ({
      ...place,
      events: eventsOf[index] ?? [],
      downs: downs.filter(({ node }) => node === place.name),
      faults: faults.filter(({ nodes }) => nodes.includes(place.name)),
    })),
    laneOf,
    faults,
    messages,
    flightUsMax,
    kinds: [...kinds].sort(([, a], [, b]) => b - a),
  }
}

/** How many of `count` sorted things lie before `value`, by binary search. */
export function countBefore(count: number, valueAt: (index: number) => number, value: number): number {
  let from = 0
  let until = count
  while (from < until) {
    const middle = (from + until) >>> 1
    if (valueAt(middle) < value) from = middle + 1
    else until = middle
  }
  return from
}

function regionsOf({ header }: Trace): string[] {
  return [...new Set(header.nodes.map(({ region }) => region))]
}
