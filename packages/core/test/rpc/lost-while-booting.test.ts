import { defineApp, procedure, RpcError } from '@skerry/core'
import { resolveCase, runCase, type SimulationOptions } from '@skerry/testing'
import { expect, it } from 'vitest'

const heavy = procedure({ name: 'heavy', module: import.meta, thread: 'own', run: () => 'done' })
const app = defineApp({ name: 'heavy', children: [], procedures: [heavy] })

it('says that nothing ran when a thread is lost while it boots', async () => {
  let failure: unknown
  const simulation: SimulationOptions = {
    app,
    regions: { syd: 1, lax: 1 },
    async workload(sim) {
      await sim.ready()
      const calling = sim.node('lax-1').up.rpcRegion('syd', heavy, undefined)
      const settled = calling.catch((error: unknown) => (failure = error))
      // The thread is there and has loaded nothing yet.
      await sim.until(() => sim.node('syd-1').killThread())
      await settled
    },
  }
  const result = await runCase(simulation, resolveCase(simulation, 1))
  expect(result.failure).toBeUndefined()
  expect(failure).toBeInstanceOf(RpcError)
  expect(failure).toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'not-run' })
})
