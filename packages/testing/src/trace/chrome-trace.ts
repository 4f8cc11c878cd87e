import { sendOf } from './causes.ts'
import { downSpans, faultSpans } from './spans.ts'
import type { Trace, TraceEvent, TraceHeader } from './trace-event.ts'

/**
 * The trace as Chrome trace event JSON, for https://ui.perfetto.dev and chrome://tracing: a process for each region, a
 * thread for each node, an arrow for each message that arrived, faults as spans of the simulation, and `down` where a
 * node was not running. Times are virtual microseconds.
 *
 * The viewers draw arrows only between slices, and nest slices that overlap. So the first event of a node in a
 * microsecond becomes a slice of one microsecond, and what else happened in it, an instant inside.
 *
 * @example
 * await writeFile('run.chrome.json', chromeTrace(trace))
 */
export function chromeTrace(trace: Trace): string {
  const { header, events } = trace
  const { tracks, metadata } = layTracks(header)
  const place = (node: string): Track => tracks.get(node) ?? simulation
  const rows: ChromeEvent[] = [
    ...metadata,
    ...faultSpans(trace).flatMap(({ event, fromUs, untilUs }) => {
      const shared = { name: event.msg ?? 'fault', cat: 'fault', id: event.i, ...simulation }
      return [
        { ...shared, ph: 'b', ts: fromUs } as const,
        // A span without length would not be seen.
        { ...shared, ph: 'e', ts: Math.max(untilUs, fromUs + 1) } as const,
      ]
    }),
    ...downSpans(trace)
      // Behind the slice of the crash itself.
      .map((span) => ({ ...span, fromUs: span.fromUs + 1 }))
      .filter(({ fromUs, untilUs }) => untilUs > fromUs)
      .map(
        ({ node, fromUs, untilUs }) =>
          ({ name: 'down', cat: 'down', ph: 'X', ts: fromUs, dur: untilUs - fromUs, ...place(node) }) as const,
      ),
    ...events.flatMap((event) => {
      const send = sendOf(events, event)
      if (send === undefined) return []
      // Named after the arrival, since one `send` may have many.
      const shared = { name: 'message', cat: 'message', id: event.i }
      return [
        { ...shared, ph: 's', ts: send.t, ...place(send.node) } as const,
        { ...shared, ph: 'f', bp: 'e', ts: event.t, ...place(event.node) } as const,
      ]
    }),
    ...moments(events, place),
  ]
  const { nodes: _, ...told } = header
  return `{"traceEvents":[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n],"displayTimeUnit":"ms","otherData":${JSON.stringify(told)}}\n`
}

interface Track {
  readonly pid: number
  readonly tid: number
}

interface ChromeEvent extends Track {
  readonly name: string
  readonly ph: 'M' | 'X' | 'i' | 'b' | 'e' | 's' | 'f'
  readonly ts?: number
  readonly dur?: number
  readonly cat?: string
  readonly id?: number
  readonly s?: 't'
  readonly bp?: 'e'
  readonly args?: object
}

const simulation: Track = { pid: 1, tid: 1 }

function layTracks({ nodes }: TraceHeader): { tracks: ReadonlyMap<string, Track>; metadata: ChromeEvent[] } {
  const regions = [...new Set(nodes.map(({ region }) => region))]
  const tracks = new Map<string, Track>([['', simulation]])
  for (const [index, { name, region }] of nodes.entries())
    tracks.set(name, { pid: simulation.pid + 1 + regions.indexOf(region), tid: simulation.tid + 1 + index })
  const metadata: ChromeEvent[] = ['simulation', ...regions].flatMap((name, index) => {
    const track = { pid: simulation.pid + index, tid: 0 }
    return [
      { name: 'process_name', ph: 'M', ...track, args: { name } },
      { name: 'process_sort_index', ph: 'M', ...track, args: { sort_index: index } },
    ]
  })
  for (const [name, track] of tracks) {
    metadata.push({ name: 'thread_name', ph: 'M', ...track, args: { name: name === '' ? 'simulation' : name } })
    metadata.push({ name: 'thread_sort_index', ph: 'M', ...track, args: { sort_index: track.tid } })
  }
  return { tracks, metadata }
}

function moments(events: readonly TraceEvent[], place: (node: string) => Track): ChromeEvent[] {
  const lastUs = new Map<number, number>()
  return events.map((event) => {
    const { i, t, node, kind, cause, peer, msg } = event
    const track = place(node)
    const isFirst = lastUs.get(track.tid) !== t
    lastUs.set(track.tid, t)
    const shared = {
      name: msg === undefined ? kind : `${kind} ${msg}`,
      cat: kind,
      ts: t,
      ...track,
      args: { i, cause, peer },
    }
    return isFirst ? { ...shared, ph: 'X', dur: 1 } : { ...shared, ph: 'i', s: 't' }
  })
}
