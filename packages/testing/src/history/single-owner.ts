import type { Verdict } from './history.ts'

/** That somebody acted as the owner of something. Times are of one clock, such as the simulation's. */
export interface Ownership {
  readonly id: string
  readonly owner: string
  readonly fromMs: number
  /** `undefined`: to the end. */
  readonly untilMs: number | undefined
  /** Grows with every new owner, where owners are fenced. */
  readonly token?: number
}

/**
 * At no moment had anything two owners; and where there are tokens, whoever owned it later has a greater one. Two that
 * meet at one moment do not overlap.
 */
export function singleOwner(ownerships: readonly Ownership[]): Verdict {
  const byId = new Map<string, Ownership[]>()
  for (const ownership of ownerships) {
    const own = byId.get(ownership.id) ?? []
    byId.set(ownership.id, own)
    own.push(ownership)
  }
  for (const [id, own] of byId) {
    own.sort((one, other) => one.fromMs - other.fromMs)
    // The one that lasts longest of those before: a short one may lie between.
    let latest: Ownership | undefined
    for (const next of own) {
      if (latest !== undefined) {
        const problem = overlap(latest, next) ?? tokenProblem(latest, next)
        if (problem !== undefined) return { ok: false, message: `${id}: ${problem}` }
      }
      if (latest === undefined || (next.untilMs ?? Infinity) > (latest.untilMs ?? Infinity)) latest = next
    }
  }
  return { ok: true }
}

function overlap(before: Ownership, next: Ownership): string | undefined {
  if (before.owner === next.owner || next.fromMs >= (before.untilMs ?? Infinity)) return undefined
  return `${before.owner} and ${next.owner} both own it at ${next.fromMs} ms`
}

function tokenProblem(before: Ownership, next: Ownership): string | undefined {
  if (before.token === undefined || next.token === undefined || before.owner === next.owner) return undefined
  if (next.token > before.token) return undefined
  return `${next.owner} owns it after ${before.owner} with the token ${next.token}, which is not above ${before.token}`
}
