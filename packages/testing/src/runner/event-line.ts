import type { TraceEvent } from '../trace/trace-event.ts'

/** One event in one line, without its number, so that two runs can be compared by eye. */
export function eventLine({ t, node, kind, peer, msg }: TraceEvent): string {
  const time = (t / 1_000_000).toFixed(6).padStart(11)
  const other = peer === undefined ? '' : ` ${kind === 'recv' ? '<-' : '->'} ${peer}`
  return `${time} ${node === '' ? '(sim)' : node} ${kind}${other}${msg === undefined ? '' : `  ${msg}`}`
}
