import { defineApp, procedure } from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { ProcessLedger } from '../process-ledger.ts'

const ledger = new ProcessLedger()

const endless = procedure({
  name: 'crashes.endless',
  async run(ctx, id: string): Promise<{ id: string }> {
    ledger.began(ctx, id)
    await new Promise<void>((resolve) => ctx.clock.after(120_000, resolve))
    return { id }
  },
})

/**
 * The node of a caller crashes, with its sockets reset or silently, and boots again or not: what it asked for is ended as
 * soon as the loss is known, long before the deadline, and what others asked for goes on.
 */
export const callerCrashes = defineSimulation({
  name: 'caller-crashes',
  app: defineApp({ name: 'crashes', children: [], procedures: [endless] }),
  regions: { syd: 1, lax: 1, fra: 1 },
  durationMs: 60_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    ledger.begin(sim)
    await sim.ready()
    for (const [round, silent] of [false, true, true].entries()) {
      const [mine, other] = [`lax ${round}`, `fra ${round}`]
      askFor(mine, 'lax-1')
      askFor(other, 'fra-1')
      await sim.until(() => ledger.runsOf(mine).length === 1 && ledger.runsOf(other).length === 1)
      sim.crash('lax-1', { silent })
      // In the last round it is there again before anybody has noticed.
      if (round === 2) sim.restart('lax-1')
      const running = (): string[] => ledger.running().map(({ id }) => id)
      // A reset is known after the slowest message, silence after four seconds and two heartbeats.
      await sim.until(() => !running().includes(mine), {
        withinMs: silent ? 7_500 : 1_500,
        what: `${mine} to be ended`,
      })
      if (!running().includes(other)) throw new Error(`${other} was ended with ${mine}`)
      if (round < 2) sim.restart('lax-1')
      await sim.ready()
    }

    /** Asks until it is not refused; nobody waits for the answer. */
    function askFor(id: string, from: string): void {
      const ask = (): Promise<{ id: string }> => sim.node(from).up.rpc('syd-1', endless, id, { timeoutMs: 100_000 })
      void ledger.ask(id, ask).catch(() => {
        if (!sim.node(from).running || ledger.runsOf(id).length > 0) return
        // Not at once: a call that fails without time passing would be made for ever at this moment.
        void sim.advance(50).then(() => {
          if (sim.node(from).running) askFor(id, from)
        })
      })
    }
  },
  invariants: [ledger.complaints.none('every call is told what became of it')],
})
