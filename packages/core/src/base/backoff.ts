/** How long to wait between tries. All times in milliseconds. */
export interface BackoffOptions {
  /** The first delay's upper bound. */
  readonly firstMs: number
  /** The bound that no delay exceeds. */
  readonly maxMs: number
  /** The share of each delay that chance decides, from 0 (none) to 1 (all of it). Default 0.5. */
  readonly jitter?: number
}

/**
 * The delay before try number `attempt` (0 is the first retry): a bound that doubles from `firstMs` up to `maxMs`, of
 * which `chance` (0 to 1) takes the jitter's share. By default half is kept fixed so that retries never come back to back.
 * The idea is the "equal jitter" of AWS's architecture blog.
 */
export function backoffDelayMs(attempt: number, options: BackoffOptions, chance: number): number {
  const bound = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt, 30))
  const jittered = bound * (options.jitter ?? 0.5)
  return bound - jittered + jittered * chance
}
