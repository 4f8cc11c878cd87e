import { backoffDelayMs, type BackoffOptions } from '../base/backoff.ts'
import { SpecError } from './errors.ts'

// What a timer can wait.
const delayMsMax = 2 ** 31 - 1

/** The back-off of the supervisor of that name, if it has one. Throws `ERR_BAD_SPEC`. */
export function checkedBackoff(supervisor: string, backoff: BackoffOptions | undefined): BackoffOptions | undefined {
  if (backoff === undefined) return undefined
  const { firstMs, maxMs, jitter = 0.5 } = backoff
  if (firstMs > 0 && maxMs >= firstMs && maxMs <= delayMsMax && jitter >= 0 && jitter <= 1) return backoff
  throw new SpecError(
    `Supervisor "${supervisor}": backoff needs 0 < firstMs <= maxMs <= ${delayMsMax} and jitter from 0 to 1`,
  )
}

/**
 * The wait before a child that ran for `ranMs` is started again, and how many waits then count: `waits` is how many did
 * until now. One that ran for `maxMs` or longer has recovered, and begins anew.
 */
export function nextWait(
  waits: number,
  ranMs: number,
  backoff: BackoffOptions,
  chance: number,
): { delayMs: number; waits: number } {
  const attempt = ranMs >= backoff.maxMs ? 0 : waits
  return { delayMs: backoffDelayMs(attempt, backoff, chance), waits: attempt + 1 }
}
