import { afterAll, beforeAll, describe } from 'vitest'
import { brokenLinks } from './failure-broken-links.ts'
import { choices } from './failure-choices.ts'
import { callerEnds } from './failure-caller-ends.ts'
import { inlineCalls } from './failure-inline.ts'
import { keyedCalls } from './failure-keys.ts'
import { refusals } from './failure-refusals.ts'
import { remoteEnds } from './failure-remote-ends.ts'
import { checkFailure, type FailureWorld, startFailurePair } from './failure-world.ts'
import { waitingCalls } from './failure-waits.ts'
import { successes } from './failure-successes.ts'
import type { MeshKind, Pair } from './two-nodes.ts'

/** Every way in which a call by region fails, over one kind of transport. */
export function failureSuite(kind: MeshKind): void {
  describe(`calls by region over ${kind.name}`, () => {
    let pair: Pair
    const world: FailureWorld = {
      kind,
      pair: () => pair,
      failure: (call, code, outcome) => checkFailure(pair, call, code, outcome),
    }

    beforeAll(async () => {
      pair = await startFailurePair(kind)
    })
    afterAll(() => pair.stop())

    refusals(world)
    remoteEnds(world)
    callerEnds(world)
    brokenLinks(world)
    choices(world)
    keyedCalls(world)
    inlineCalls(world)
    waitingCalls(world)
    successes(world)
  })
}
