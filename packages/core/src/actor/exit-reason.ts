import { type ErrorData, errorData, isErrorData } from '../base/error-data.ts'

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

export function printReason(reason: ExitReason): string {
  if (typeof reason === 'string') return reason
  return isErrorData(reason) ? `${reason.name}: ${reason.message}` : JSON.stringify(reason)
}
