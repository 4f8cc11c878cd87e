import type { Verdict } from './history.ts'

/** A message as its receiver saw it. */
export interface Received {
  readonly from: string
  readonly to: string
  /** Its place among all that `from` sent to `to`, counted up by one. */
  readonly number: number
}

/** What one actor sent to another arrived in order and at most once; some of it may be missing. */
export function pairOrder(received: readonly Received[]): Verdict {
  const last = new Map<string, number>()
  for (const { from, to, number } of received) {
    const pair = JSON.stringify([from, to])
    const before = last.get(pair)
    if (before !== undefined && number <= before) {
      const how = number === before ? 'twice' : `after ${before}`
      return { ok: false, message: `${to} received message ${number} of ${from} ${how}` }
    }
    last.set(pair, number)
  }
  return { ok: true }
}
