import type { Operation, Verdict } from './history.ts'

/** What was done in the end, by the key that its operation named. */
export interface Effects {
  /** The keys whose effect is there, once for each time that it was done. */
  readonly done: readonly string[]
  /** Which key an operation names. Default: its id. Operations of one key are tries of one thing. */
  readonly keyOf?: (operation: Operation) => string
}

/**
 * Nothing was done twice, and nothing that all tries were told was not run.
 *
 * @example
 * atMostOnce(sim.history, { done: await stored(), keyOf: ({ input }) => (input as Order).key })
 */
export function atMostOnce(operations: readonly Operation[], { done, keyOf = ({ id }) => id }: Effects): Verdict {
  const seen = new Set<string>()
  for (const key of done) {
    if (seen.has(key))
      return { ok: false, message: `"${key}" was done ${done.filter((one) => one === key).length} times` }
    seen.add(key)
  }
  const possible = new Set(operations.filter(({ outcome }) => outcome !== 'fail').map(keyOf))
  const ghost = done.find((key) => !possible.has(key))
  if (ghost === undefined) return { ok: true }
  const tried = operations.some((operation) => keyOf(operation) === ghost)
  const told = tried ? 'every try was told that it was not run' : 'nobody asked for it'
  return { ok: false, message: `"${ghost}" was done, and ${told}` }
}

/** Everything that was acknowledged is there. */
export function acknowledgedIsKept(
  operations: readonly Operation[],
  { done, keyOf = ({ id }) => id }: Effects,
): Verdict {
  const there = new Set(done)
  const lost = operations.find((operation) => operation.outcome === 'ok' && !there.has(keyOf(operation)))
  if (lost === undefined) return { ok: true }
  const when = (lost.returnedMs ?? 0).toFixed(3)
  return { ok: false, message: `"${keyOf(lost)}" was acknowledged to client ${lost.client} at ${when} ms and is lost` }
}
