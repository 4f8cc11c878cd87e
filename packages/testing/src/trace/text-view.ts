import type { Trace, TraceEvent } from './trace-event.ts'

/**
 * Events as aligned lines for a terminal: number, virtual seconds, node, kind, the other node, caption.
 *
 * @example
 * console.log(eventLines(result.lastEvents).join('\n'))
 */
export function eventLines(events: readonly TraceEvent[]): string[] {
  const rows = events.map((event) => [
    String(event.i),
    (event.t / 1_000_000).toFixed(6),
    event.node === '' ? '(sim)' : printable(event.node),
    event.kind,
    peerOf(event),
    printable(event.msg ?? ''),
  ])
  const widths = [0, 1, 2, 3, 4].map((column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => aligned(cell, column, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** A whole trace for a terminal: what ran, what failed, how to run it again, every event. */
export function traceText({ header, events }: Trace): string {
  const { name, seed, hash, failure, replay } = header
  return [
    `${printable(name)}  seed ${seed}  hash ${printable(hash)}  ${events.length} events`,
    ...(failure === undefined ? [] : [`failed  ${printable(failure.invariant)}: ${printable(failure.message)}`]),
    `replay  ${printable(replay)}`,
    ...eventLines(events),
  ].join('\n')
}

function peerOf({ kind, peer }: TraceEvent): string {
  if (peer === undefined) return ''
  return `${kind === 'recv' ? '<-' : '->'} ${printable(peer)}`
}

function aligned(cell: string, column: number, width: number): string {
  const isNumber = column < 2
  return isNumber ? cell.padStart(width) : cell.padEnd(width)
}

/** Captions hold what actors were sent: nothing of it may end the line or command the terminal. */
function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
