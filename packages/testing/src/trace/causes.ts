import type { TraceEvent } from './trace-event.ts'

/**
 * What led to event `i`, its first cause first and `i` itself last. `events` is a trace, or a piece of one without gaps:
 * the chain then begins where the piece does. Empty for an event that is not there.
 *
 * @example
 * for (const event of causalChain(trace.events, trace.header.failure.i)) console.log(event.node, event.msg)
 */
export function causalChain(events: readonly TraceEvent[], i: number): TraceEvent[] {
  const chain: TraceEvent[] = []
  for (let event = eventAt(events, i); event !== undefined;) {
    chain.push(event)
    // A cause is always earlier; a made-up trace that says otherwise must not loop for ever.
    event = event.cause < event.i ? eventAt(events, event.cause) : undefined
  }
  return chain.reverse()
}

/** The `send` whose frame a `recv` took in, if it crossed from one node to another. */
export function sendOf(events: readonly TraceEvent[], event: TraceEvent): TraceEvent | undefined {
  if (event.kind !== 'recv') return undefined
  const send = eventAt(events, event.cause)
  return send?.kind === 'send' && send.node !== event.node ? send : undefined
}

function eventAt(events: readonly TraceEvent[], i: number): TraceEvent | undefined {
  return events[i - (events[0]?.i ?? 0)]
}
