import type { RpcOptions } from '../actor/remote-verbs.ts'

/** The longest time that a timer can measure, in milliseconds. */
export const timeoutMsMax: number = 2 ** 31 - 1
const idempotencyKeyLengthMax = 256

/** What is wrong with the options of a call, in a sentence; `undefined` when nothing is. */
export function checkRpcOptions(options: RpcOptions): string | undefined {
  const { timeoutMs, idempotencyKey, reconnectMs } = options
  if (!isTime(timeoutMs)) return wrongTime('timeoutMs', timeoutMs)
  if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > idempotencyKeyLengthMax)) {
    return `idempotencyKey must have 1 to ${idempotencyKeyLengthMax} characters`
  }
  if (reconnectMs !== undefined && !(reconnectMs >= 0)) return `reconnectMs must be 0 or more, not ${reconnectMs}`
  return undefined
}

/** The same of the one option of that name, a time after which something ends. */
export function checkTime(name: string, ms: number | undefined): string | undefined {
  return isTime(ms) ? undefined : wrongTime(name, ms)
}

function isTime(ms: number | undefined): boolean {
  return ms === undefined || (ms > 0 && ms <= timeoutMsMax)
}

function wrongTime(name: string, ms: number | undefined): string {
  return `${name} must be more than 0 and at most ${timeoutMsMax}, not ${ms}`
}
