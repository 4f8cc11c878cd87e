import { resolveCase, runCase, type SimulationOptions } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { ordersApp, ordersAreKept, ordersUnderFaults, regions } from '../../../../test/real/dist/orders.js'
import { RealCluster } from '../../../../test/real/dist/real-cluster.js'

// Long enough for every trouble of the workload.
const safetyMs = 24_000

describe('the same workload and the same invariants', () => {
  it('hold in the simulation, for twenty seeds', { timeout: 120_000 }, async () => {
    const simulated: SimulationOptions = {
      app: ordersApp,
      regions,
      primary: 'syd',
      durationMs: safetyMs,
      healMs: 30_000,
      workload: ordersUnderFaults,
      invariants: [{ id: 'orders are kept', atEnd: ordersAreKept }],
    }
    for (let seed = 1; seed <= 20; seed += 1) {
      const { failure } = await runCase(simulated, resolveCase(simulated, seed))
      expect(failure, `seed ${seed}`).toBeUndefined()
    }
  })

  it('hold on processes over libp2p, with links cut, SIGSTOP and SIGKILL', { timeout: 120_000 }, async () => {
    const cluster = await RealCluster.start(Object.keys(regions), 7)
    try {
      const working = ordersUnderFaults(cluster)
      await Promise.race([working, cluster.advance(safetyMs)])
      cluster.heal()
      await working
      expect(await ordersAreKept(cluster)).toBeUndefined()
      // The troubles were felt: some were told that nothing was run, some that nobody knows.
      const outcomes = new Set(cluster.history.map(({ outcome }) => outcome))
      expect(outcomes).toEqual(new Set(['ok', 'fail', 'unknown']))
    } finally {
      await cluster.stop()
    }
  })
})
