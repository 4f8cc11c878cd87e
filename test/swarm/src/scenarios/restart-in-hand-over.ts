import { defineApp, procedure, RpcError } from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { ProcessLedger } from '../process-ledger.ts'
import { unlessOverloaded } from '../unless-overloaded.ts'

const ledger = new ProcessLedger()

const slow = procedure({
  name: 'handover.slow',
  async run(ctx, { id, ms }: { readonly id: string; readonly ms: number }): Promise<{ id: string; life: number }> {
    ledger.began(ctx, id)
    await new Promise<void>((resolve) => ctx.clock.after(ms, resolve))
    return { id, life: ctx.self.life }
  },
})

/**
 * A node that is stopping, with work to finish, crashes half-way and is there again before anybody noticed: what it had
 * is told "unknown", is not run again, and the new life gets the next work. (Akka issue 28093, Orleans issue 8658.)
 */
export const restartInHandOver = defineSimulation({
  name: 'restart-in-hand-over',
  app: defineApp({ name: 'handOver', children: [], procedures: [slow] }),
  regions: { syd: 1, lax: 1 },
  durationMs: 40_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    ledger.begin(sim)
    await sim.ready()
    const here = sim.node('lax-1').up
    const input = { id: 'running', ms: 3_000 }
    const ask = (): Promise<unknown> =>
      ledger.ask('running', () => here.rpc('syd-1', slow, input, { timeoutMs: 20_000 }))
    const running = outcome(unlessOverloaded(sim, ask))
    await sim.until(() => ledger.running().length === 1)
    const { life } = sim.node('syd-1').up
    ledger.stopping('syd-1')
    void sim.node('syd-1').up.stop()
    await sim.advance(sim.random.int(1_500))
    const refused = await outcome(ledger.ask('refused', () => here.rpc('syd-1', slow, { id: 'refused', ms: 1 })))
    if (refused !== 'not-run') throw new Error(`a node that stops took work, or said so: ${refused}`)
    sim.crash('syd-1', { silent: true })
    sim.restart('syd-1')
    const told = await running
    if (told !== 'unknown') throw new Error(`the call that was running was told ${told}`)
    await sim.until(() => here.isRpcSupported('syd-1', slow), { withinMs: 15_000, what: 'the new life to be believed' })
    const next = await unlessOverloaded(sim, () =>
      ledger.ask('next', () => here.rpc('syd-1', slow, { id: 'next', ms: 1 })),
    )
    if (next.life === life) throw new Error('the old life answered')
    if (ledger.runsOf('running').length !== 1) throw new Error('the call was run again')
  },
  invariants: [ledger.complaints.none('every call is told what became of it')],
})

async function outcome(asking: Promise<unknown>): Promise<string> {
  try {
    await asking
    return 'ok'
  } catch (error) {
    if (error instanceof RpcError) return error.outcome
    throw error
  }
}
