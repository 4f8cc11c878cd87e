import type { ProcedureName, RpcOptions } from '../actor/remote-verbs.ts'
import { isWellFormed } from '../base/well-formed.ts'

/** The longest time that a timer can measure, in milliseconds. */
export const timeoutMsMax: number = 2 ** 31 - 1
const idempotencyKeyLengthMax = 256

/** What is wrong with the options of a call, in a sentence; `undefined` when nothing is. */
export function checkRpcOptions(options: RpcOptions): string | undefined {
  const { timeoutMs, idempotencyKey, reconnectMs, signal, explain } = options
  if (!isTime(timeoutMs)) return wrongTime('timeoutMs', timeoutMs)
  if (idempotencyKey !== undefined && !isKey(idempotencyKey)) {
    return `idempotencyKey must be text of 1 to ${idempotencyKeyLengthMax} characters, without lone surrogates`
  }
  if (reconnectMs !== undefined && !(reconnectMs >= 0)) return `reconnectMs must be 0 or more, not ${reconnectMs}`
  if (explain !== undefined && typeof explain !== 'function') return 'explain must be a function'
  return checkSignal(signal)
}

/** The same of the signal alone. */
export function checkSignal(signal: AbortSignal | undefined): string | undefined {
  // Not by its class: it may come of another realm, or of a library.
  return signal === undefined || typeof signal.addEventListener === 'function'
    ? undefined
    : 'signal must be an AbortSignal'
}

/** What is wrong with a procedure, of which the types say that nothing is. */
export function checkProcedure(procedure: ProcedureName | undefined): string | undefined {
  if (typeof procedure?.name === 'string' && Number.isSafeInteger(procedure.version)) return undefined
  return procedure === undefined
    ? 'the procedure is undefined, as where modules import each other and one is not loaded yet'
    : 'the procedure must have a name and a version'
}

// Those that differ only in lone surrogates would be one and the same on the wire.
function isKey(key: string): boolean {
  return typeof key === 'string' && key !== '' && key.length <= idempotencyKeyLengthMax && isWellFormed(key)
}

/** The same of the one option of that name, a time after which something ends. */
export function checkTime(name: string, ms: number | undefined): string | undefined {
  return isTime(ms) ? undefined : wrongTime(name, ms)
}

function isTime(ms: number | undefined): boolean {
  return ms === undefined || (typeof ms === 'number' && ms > 0 && ms <= timeoutMsMax)
}

function wrongTime(name: string, ms: number | undefined): string {
  return `${name} must be a number above 0 and at most ${timeoutMsMax}, not ${ms}`
}
