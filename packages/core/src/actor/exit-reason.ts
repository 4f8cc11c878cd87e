import type { Codec } from '../codec/codec.ts'
import { type ErrorData, errorData, isErrorData, isWholeErrorData } from '../base/error-data.ts'

/**
 * Why an actor ended: plain data, so that it survives threads and the wire.
 *
 * - `'normal'` it was done; `'shutdown'` or `{ type: 'shutdown' }` it was asked to stop in an orderly way
 * - `'kill'` sent: the untrappable order; `'killed'` what the others see of it
 * - `'noproc'` there was no such actor; `'noconnection'` its node was lost; `'threadlost'` its thread was lost
 * - `'timeout'` its deadline passed; an `ErrorData`: it threw; anything else: what the program gave to `exit`
 */
export type ExitReason = string | ErrorData | { readonly type: string }

/** Ends the actor that throws it, with a reason instead of an error: Erlang's `exit(Reason)`. */
export class Exit extends Error {
  readonly reason: ExitReason

  constructor(reason: ExitReason) {
    super(`exit: ${printReason(reason)}`)
    this.name = 'Exit'
    this.reason = reason
  }
}

/** Whether a transient child that ended so needs no restart. */
export function isCleanExit(reason: ExitReason): boolean {
  return reason === 'normal' || reason === 'shutdown' || (typeof reason === 'object' && reason?.type === 'shutdown')
}

/** The reason for an actor whose code threw this. */
export function reasonOfThrown(thrown: unknown): ExitReason {
  return thrown instanceof Exit ? thrown.reason : errorData(thrown)
}

/** What an exit reason may take on the wire, in bytes. More than enough for an error with its stack and causes. */
const reasonBytesMax = 16 * 1024
const textCharsMax = 2_000

/**
 * The reason as other threads and nodes can be told it: itself, or, where it can't be encoded or is huge, an error that
 * says what it was. A link or a monitor that could not fire would leave the other side waiting for ever.
 */
export function portableReason(reason: ExitReason, codec: Codec): ExitReason {
  if (typeof reason === 'string' && reason.length <= textCharsMax) return reason
  if (isErrorData(reason)) return portableError(reason, codec)
  const why = whyNotPortable(reason, codec)
  if (why === undefined) return reason
  return { type: 'error', name: 'UnportableReason', message: `an exit reason that can not be carried: ${why}` }
}

/** The same for an error: a huge one is cut, and loses its cause. */
export function portableError(error: ErrorData, codec: Codec): ErrorData {
  if (whyNotPortable(error, codec) === undefined) return error
  const { name, message, code, stack } = error
  return {
    type: 'error',
    name: cut(name),
    message: cut(message),
    ...(code !== undefined && { code: cut(code) }),
    ...(stack !== undefined && { stack: cut(stack) }),
  }
}

function whyNotPortable(reason: unknown, codec: Codec): string | undefined {
  try {
    const { length } = codec.encode(reason, 'reason')
    return length <= reasonBytesMax ? undefined : `it has ${length} bytes`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

// Text by its type only: an error may have been given anything.
function cut(text: unknown): string {
  const whole = String(text)
  return whole.length <= textCharsMax ? whole : `${whole.slice(0, textCharsMax)}… (${whole.length} characters)`
}

export function printReason(reason: ExitReason): string {
  if (typeof reason === 'string') return reason
  if (isErrorData(reason)) return `${reason.name}: ${reason.message}`
  try {
    // A program may have given anything, and of nothing at all there is no JSON.
    return JSON.stringify(reason) ?? typeof reason
  } catch {
    // A cycle or a bigint. Its type still says something.
    return typeof reason.type === 'string' ? `{"type":${JSON.stringify(reason.type)},…}` : typeof reason
  }
}

/** What a peer sent as an exit reason, which may be anything. What only looks like an error is told as one that can't be read. */
export function reasonFrom(value: unknown): ExitReason {
  if (isReadableReason(value)) return value
  return { type: 'error', name: 'UnreadableReason', message: 'an exit reason that can not be read' }
}

export function isReadableReason(value: unknown): value is ExitReason {
  const isError = typeof value === 'object' && value !== null && 'type' in value && value.type === 'error'
  return !isError || isWholeErrorData(value)
}
