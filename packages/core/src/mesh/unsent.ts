import type { Failure, Signal } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'

/**
 * Who is told that a signal was not sent to another node: whoever waits for its answer, and where it is the answer, who waits for that.
 * `undefined`: nobody waits, or nobody may.
 */
export function answerUnsent(signal: Signal, failure: Failure): Signal | undefined {
  switch (signal.type) {
    case 'call':
      return { type: 'reply', to: signal.from, ref: signal.ref, result: { ok: false, failure } }
    case 'spawn':
      if (signal.request.isCast === true) return undefined
      return { type: 'reply', to: signal.from, ref: 0, result: { ok: false, failure } }
    case 'item':
      // The stream has a hole now: its sender ends it, and the reader is told in its place.
      return { type: 'reply', to: signal.from, ref: 0, result: { ok: false, failure } }
    case 'reply':
      // A failure that can't be sent either is not told again.
      return signal.result.ok
        ? { ...signal, result: { ok: false, failure: { ...failure, outcome: 'ran' } } }
        : undefined
    default:
      return undefined
  }
}

/** A body that no codec can encode. */
export function unencodable(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'ERR_NOT_ENCODABLE', outcome: 'not-run', message, cause: errorData(error) }
}

/** Of `bytes`, where `most` are taken. */
export function tooLarge(bytes: number, most: number): Failure {
  const message = `The message has ${bytes} bytes; a node takes ${most}, or what its bodyBytesMax says`
  return { code: 'ERR_FRAME_TOO_LARGE', outcome: 'not-run', message }
}

export const overloaded: Failure = {
  code: 'ERR_OVERLOADED',
  outcome: 'not-run',
  message: 'Too much is waiting to be sent to that node',
}

export const draining: Failure = { code: 'ERR_DRAINING', outcome: 'not-run', message: 'The node is leaving' }
