import { BaseSequencer } from 'vitest/node'

// Longest first, as they took on two CPUs. One that begins last keeps one worker busy when the others have nothing left, and
// vitest, which knows no times on a fresh checkout, goes by the size of a file: those that run a suite are small.
const slowest = [
  'transport-libp2p/test/own-thread.test.ts',
  'transport-nats/test/conformance.test.ts',
  // These wait more than they work: beside the two above, which work all the time.
  'testing/test/real/rolling-deploy.test.ts',
  'testing/test/real/same-workload.test.ts',
  'testing/test/real/hosts.test.ts',
  'transport-libp2p/test/stuck-nodes.test.ts',
  'transport-libp2p/test/hostile/abuse.test.ts',
  'transport-nats/test/hostile.test.ts',
  'core/test/thread/crash-storm.test.ts',
  'testing/test/runner/skerry-sim.test.ts',
  'three-regions/test/stale-lock.test.ts',
  'core/test/mesh/peer-links-interleaving.test.ts',
  'transport-libp2p/test/conformance.test.ts',
  'transport-libp2p/test/failures.test.ts',
  'three-regions/test/orders-store.test.ts',
]

/** Runs the files that take long before all others, so that the workers end together. */
export class SlowestFirst extends BaseSequencer {
  /** @override @param {import('vitest/node').TestSpecification[]} files */
  async sort(files) {
    const sorted = await super.sort(files)
    return sorted.sort((left, right) => rank(left.moduleId) - rank(right.moduleId))
  }
}

/** @param {string} path */
function rank(path) {
  const at = slowest.findIndex((file) => path.endsWith(`/${file}`))
  return at === -1 ? slowest.length : at
}
