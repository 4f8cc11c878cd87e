import type { RpcOptions } from '../actor/remote-verbs.ts'

/** What a timer can measure. */
export const timeoutMsMax: number = 2 ** 31 - 1
const idempotencyKeyLengthMax = 256

/** What is wrong with the options of a call, in a sentence; `undefined` when nothing is. */
export function checkRpcOptions(options: RpcOptions): string | undefined {
  const { timeoutMs, idempotencyKey } = options
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= timeoutMsMax)) {
    return `timeoutMs must be more than 0 and at most ${timeoutMsMax}, not ${timeoutMs}`
  }
  if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > idempotencyKeyLengthMax)) {
    return `idempotencyKey must have 1 to ${idempotencyKeyLengthMax} characters`
  }
  return undefined
}
