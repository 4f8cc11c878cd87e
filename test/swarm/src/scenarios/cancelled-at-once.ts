import { defineApp, procedure, RpcError } from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { ProcessLedger } from '../process-ledger.ts'

const ledger = new ProcessLedger()

const work = procedure({
  name: 'cancelled.work',
  async run(ctx, id: string): Promise<{ id: string }> {
    ledger.began(ctx, id)
    await new Promise<void>((resolve) => ctx.clock.after(5_000, resolve))
    return { id }
  },
})

/**
 * A call is aborted in the moment in which it is made, on the own node and while the other node stands still, so that
 * request and cancellation arrive together: it is never begun.
 */
export const cancelledAtOnce = defineSimulation({
  name: 'cancelled-at-once',
  app: defineApp({ name: 'cancelled', children: [], procedures: [work] }),
  regions: { syd: 1, lax: 1 },
  durationMs: 20_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    ledger.begin(sim)
    await sim.ready()
    const { up } = sim.node('lax-1')
    for (const to of ['lax-1', 'syd-1']) {
      const controller = new AbortController()
      if (to === 'syd-1') sim.pause(to, 1_000)
      const asking = ledger.ask(to, () => up.rpc(to, work, to, { signal: controller.signal }))
      controller.abort()
      const error = await asking.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      const code = error instanceof RpcError ? error.code : undefined
      // It may have been refused already: the simulation sees to it that some calls are.
      if (code !== 'ERR_RPC_ABORTED' && code !== 'ERR_OVERLOADED') throw new Error(`it ended with ${String(error)}`)
      await sim.advance(3_000)
      const left = ledger.running().length
      if (left > 0) throw new Error(`${left} processes run at ${to} for a call that was aborted`)
      if (ledger.runsOf(to).length > 0) throw new Error(`it was begun at ${to} after it was aborted`)
    }
  },
  invariants: [ledger.complaints.none('every call is told what became of it')],
})
