import type { HeldLetter } from './letter-count.ts'
import type { CallSignal, CastSignal, MessageSignal, Signal } from './signal.ts'

/** A message, cast or call on its way from another node. */
export type LetterSignal = MessageSignal | CastSignal | CallSignal

/** How large the body of a signal is, if that is a letter and encoded; else 0. */
export function letterBytes(signal: Signal): number {
  switch (signal.type) {
    case 'message':
      return signal.encoded ? (signal.message as Uint8Array).byteLength : 0
    case 'cast':
    case 'call':
      return signal.encoded ? (signal.args as Uint8Array).byteLength : 0
    default:
      return 0
  }
}

export function heldOf(signal: Signal): HeldLetter | undefined {
  return signal.type === 'message' || signal.type === 'cast' || signal.type === 'call' ? signal.held : undefined
}

/** The same letter with a body that keeps nothing else alive: what came with it in one block may be a hundred times as much. */
export function withOwnBody<T extends LetterSignal>(signal: T): T {
  const body = signal.type === 'message' ? signal.message : signal.args
  if (!signal.encoded || (body as Uint8Array).byteLength === (body as Uint8Array).buffer.byteLength) return signal
  const own = (body as Uint8Array).slice()
  return signal.type === 'message' ? { ...signal, message: own } : { ...signal, args: own }
}
