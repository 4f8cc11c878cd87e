import { defineApp, procedure, RpcError, sometimes } from '@skerry/core'
import { type Client, defineSimulation, type Sim } from '@skerry/testing'
import { ProcessLedger } from './process-ledger.ts'

const ledger = new ProcessLedger()
// `nearest`: for the node in fra, which does not serve it, another region.
const targets = ['syd', 'lax', 'nearest']
// The farewell takes one way, which one message in a thousand takes a second longer for.
const newsMs = 1_300

/** Takes a while, so that a node which stops has work to finish. */
const shortWork = procedure({
  name: 'rolling.work',
  async run(ctx, { id, ms }: { readonly id: string; readonly ms: number }): Promise<{ id: string; node: string }> {
    ledger.began(ctx, id)
    await new Promise<void>((resolve) => ctx.clock.after(ms, resolve))
    return { id, node: ctx.self.node }
  },
})

/** The nodes that are being stopped and booted again: since when, and as which life they stop. */
const stopping = new Map<string, { readonly sinceMs: number; readonly boot: number }>()

/**
 * Every node is stopped and booted again under load, one after the other, and nothing else goes wrong. No call of the
 * others fails half-way: what was begun is finished and answered. Who stops gets no new work and is soon chosen by nobody.
 */
export const rolling = defineSimulation({
  name: 'rolling',
  app: ({ region }) => defineApp({ name: 'rolling', children: [], procedures: region === 'fra' ? [] : [shortWork] }),
  regions: { syd: 2, lax: 1, fra: 1 },
  durationMs: 30_000,
  healMs: 15_000,
  async workload(sim) {
    ledger.begin(sim)
    stopping.clear()
    await sim.ready()
    await Promise.all([sim.clients(8, work, { thinkMs: [10, 300] }), roll(sim)])
  },
  invariants: [
    ledger.complaints.none('every call is told what became of it'),
    { id: 'who stops is chosen by nobody', check: checkTables, everyMs: 50 },
  ],
})

async function work(client: Client): Promise<void> {
  const { op: id, home, random } = client
  const region = targets[random.fork('region').int(targets.length)] as string
  const input = { id, ms: 1 + random.fork('ms').int(3_000) }
  const { lives } = home
  try {
    await ledger.ask(id, () => client.rpcRegion(region, shortWork, input))
  } catch (error) {
    // Who stops hears that everybody has heard so before it says goodbye: no request is lost on the way. Only a client
    // of the node that stops is told, at its end, of what did not finish in time.
    const isOwnEnd = home.lives !== lives || !home.running
    if (error instanceof RpcError && error.outcome !== 'not-run' && !isOwnEnd) {
      ledger.complaints.add(`${id} of ${home.name} failed with ${error.code} "${error.outcome}" at ${error.node}`)
    }
    const isLeft = home.running && home.up.regionNodes('syd').length > 0
    if (error instanceof RpcError && error.code === 'ERR_NO_NODE_IN_REGION' && region === 'nearest' && isLeft) {
      ledger.complaints.add(`${id} of ${home.name} found no nearest node, while syd has one: ${error.message}`)
    }
    sometimes(
      error instanceof RpcError && error.outcome === 'not-run',
      'swarm/no node could take a call while one stopped',
    )
    throw error
  }
}

async function roll(sim: Sim): Promise<void> {
  for (const node of sim.nodes) {
    if (sim.phase !== 'safety') return
    ledger.stopping(node.name)
    const { up, lives } = node
    stopping.set(node.name, { sinceMs: sim.nowMs, boot: lives })
    await up.stop()
    await sim.until(() => !node.running, { what: `${node.name} to stop` })
    await sim.advance(node.name.length * 100)
    sim.restart(node.name)
    await sim.until(() => node.running && node.lives === lives + 1, { what: `${node.name} to boot` })
    stopping.delete(node.name)
    await sim.ready()
  }
}

function checkTables(sim: Sim): string | void {
  for (const [name, { sinceMs, boot }] of stopping) {
    const node = sim.node(name)
    if (sim.nowMs < sinceMs + newsMs || !node.running || node.lives !== boot) continue
    sometimes(true, 'swarm/a node took long to stop, as it had work')
    const believer = sim.running.find(
      (other) => other.name !== name && other.up.regionNodes(node.region).includes(name),
    )
    if (believer !== undefined) {
      return `${believer.name} believes at ${sim.nowMs} that ${name} takes calls, which stops since ${sinceMs}`
    }
  }
}
