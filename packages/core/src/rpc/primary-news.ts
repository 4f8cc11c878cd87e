import type { RegionVerbs } from '../actor/remote-verbs.ts'
import type { Failure } from '../actor/signal.ts'

/** How long a call waits for the news that the node which refused it as not primary has and ours has not, in milliseconds. */
export const primaryNewsMs = 2_000

type KnownPrimary = Pick<RegionVerbs, 'primaryRegion' | 'primaryEpoch'>

/**
 * What a call for the primary does after a node of `region` refused it as not primary.
 *
 * - `'again'`: the news has come meanwhile, and another region is meant now.
 * - `'wait'`: that node knows of a newer primary. To ask others of its region would only tell us so again.
 * - `'elsewhere'`: that node is the one behind, or the two are configured differently, and no news will come of it.
 */
export function afterNotPrimary(refusal: Failure, region: string, known: KnownPrimary): 'again' | 'wait' | 'elsewhere' {
  if (known.primaryRegion !== region) return 'again'
  const { primaryEpoch = 0 } = refusal
  return primaryEpoch > 0 && primaryEpoch >= known.primaryEpoch ? 'wait' : 'elsewhere'
}

/** Whether what is known by now is worth another try. */
export function isNews(refusal: Failure, region: string, known: KnownPrimary): boolean {
  return known.primaryRegion !== region || known.primaryEpoch > (refusal.primaryEpoch ?? 0)
}
