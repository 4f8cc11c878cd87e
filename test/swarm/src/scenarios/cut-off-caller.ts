import { defineApp, procedure, RpcError } from '@skerry/core'
import { defineSimulation, type Sim } from '@skerry/testing'
import { ProcessLedger } from '../process-ledger.ts'
import { unlessOverloaded } from '../unless-overloaded.ts'

const ledger = new ProcessLedger()
const timeoutMs = 1_500
// It is told at its deadline, and killed 100 ms later.
const slackMs = 150

/** Works far longer than it may, and has the next one do so. */
const endless = procedure({
  name: 'cut.endless',
  async run(ctx, { id, next }: { readonly id: string; readonly next: string | undefined }): Promise<{ id: string }> {
    ledger.began(ctx, id)
    if (next !== undefined) {
      const inner = { id: `${id}+`, next: undefined }
      await ledger.ask(inner.id, () => ctx.rpc(next, endless, inner, { timeoutMs: 30_000 }))
    }
    await new Promise<void>((resolve) => ctx.clock.after(60_000, resolve))
    return { id }
  },
})

/**
 * The three nodes of a call in a call lose sight of each other while it runs, so that no cancellation gets through: each
 * end keeps the deadline by itself, long before anybody knows that a link is lost, and the inner one's is not longer.
 */
export const cutOffCaller = defineSimulation({
  name: 'cut-off-caller',
  app: defineApp({ name: 'cut', children: [], procedures: [endless] }),
  regions: { syd: 1, lax: 1, fra: 1 },
  network: { scale: 0.1 },
  durationMs: 20_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    ledger.begin(sim)
    await sim.ready()
    const askedMs = sim.nowMs
    const { up } = sim.node('lax-1')
    const input = { id: 'outer', next: 'fra-1' }
    const ask = (): Promise<unknown> => ledger.ask('outer', () => up.rpc('syd-1', endless, input, { timeoutMs }))
    const asking = unlessOverloaded(sim, ask).then(
      () => 'OK',
      (error: unknown) => (error instanceof RpcError ? error.code : String(error)),
    )
    // The inner call may have been refused: then the outer one works by itself, or has failed.
    await sim.advance(700)
    sim.partition(['lax-1'])
    sim.partition(['syd-1'], ['fra-1'])
    const code = await asking
    if (code !== 'ERR_RPC_TIMEOUT' && code !== 'ERR_REMOTE_ERROR') throw new Error(`the caller was told ${code}`)
    if (sim.nowMs > askedMs + timeoutMs + 1_050) throw new Error(`the caller waited ${sim.nowMs - askedMs} ms`)
    await sim.advance(500)
  },
  invariants: [
    ledger.complaints.none('every call is told what became of it'),
    { id: 'deadlines are kept at both ends', check: checkDeadlines, everyMs: 20 },
  ],
})

function checkDeadlines(sim: Sim): string | void {
  for (const { id, life, timeLeftMs } of ledger.running()) {
    if (timeLeftMs > timeoutMs + 2) return `${id} was given ${timeLeftMs} ms by a caller that had ${timeoutMs}`
    if (sim.nowMs > life.bornMs + timeLeftMs + slackMs) return `${id} runs on at ${life.pid.node} after its deadline`
  }
}
