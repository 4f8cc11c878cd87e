import type { RegionVerbs } from '../actor/remote-verbs.ts'
import type { Failure } from '../actor/signal.ts'

/** Why a node of another region does not run what is for the primary only. */
export function notPrimary(known: Pick<RegionVerbs, 'myRegion' | 'primaryRegion' | 'primaryEpoch'>): Failure {
  const { myRegion, primaryRegion, primaryEpoch } = known
  const message = `"${myRegion}" is not the primary region; "${primaryRegion}" is`
  return { code: 'ERR_NOT_PRIMARY', outcome: 'not-run', message, primaryEpoch }
}
