import { defineApp, procedure, sometimes } from '@skerry/core'
import { type Client, defineSimulation, type Sim, type SimNode } from '@skerry/testing'
import { ProcessLedger } from './process-ledger.ts'

const ledger = new ProcessLedger()
const regionNames = ['syd', 'lax', 'fra']
const convergeMs = 20_000

/** The row that fences the database: whoever wrote last, and in which epoch. It survives every crash. */
const fence = { region: '', epoch: 0 }
/** The newest epoch that each life of a node knew. */
const known = new Map<string, number>()

interface Written {
  readonly id: string
  readonly isTaken: boolean
}

const write = procedure({
  name: 'primary.write',
  primaryOnly: true,
  async run(ctx, id: string): Promise<Written> {
    ledger.began(ctx, id)
    const { myRegion, primaryEpoch, isPrimary } = ctx
    if (!isPrimary) {
      ledger.complaints.add(`${id} began in ${myRegion}, which its node knew not to be the primary`)
    }
    // Long enough for the primary to change meanwhile.
    await new Promise<void>((resolve) => ctx.clock.after(1 + ctx.random.int(400), resolve))
    if (ctx.primaryEpoch !== primaryEpoch) ledger.complaints.add(`the epoch of ${id} changed while it ran`)
    const isTaken = primaryEpoch > fence.epoch || (primaryEpoch === fence.epoch && myRegion === fence.region)
    sometimes(!isTaken, 'swarm/a write of an older primary was refused')
    if (isTaken) Object.assign(fence, { region: myRegion, epoch: primaryEpoch })
    return { id, isTaken }
  },
})

/**
 * The primary region is changed again and again, anywhere, under all faults. What is for the primary only never begins on
 * a node that knows better, no life of a node goes back to an older epoch, and healed, all believe the same.
 */
export const primary = defineSimulation({
  name: 'primary',
  app: defineApp({ name: 'primary', children: [], procedures: [write] }),
  regions: { syd: 2, lax: 2, fra: 1 },
  durationMs: 20_000,
  healMs: 45_000,
  faults: 'all',
  async workload(sim) {
    ledger.begin(sim)
    known.clear()
    Object.assign(fence, { region: sim.nodes[0]?.region ?? '', epoch: 0 })
    await Promise.all([
      sim.clients(4, writeOnce, { thinkMs: [50, 600] }),
      changePrimary(sim).then(() => leaveDead(sim)),
    ])
    await sim
      .until(() => sim.running.length > 0 && beliefs(sim).size === 1, { withinMs: convergeMs, what: 'one primary' })
      .catch((error: unknown) => {
        throw new Error(`${String(error)}: ${[...beliefs(sim)].join('; ')}`)
      })
  },
  invariants: [
    ledger.complaints.none('what is for the primary begins nowhere else'),
    { id: 'no epoch goes back', check: checkEpochs, everyMs: 100 },
  ],
})

async function writeOnce(client: Client): Promise<void> {
  const { isTaken } = await ledger.ask(client.op, () => client.rpcRegion('primary', write, client.op))
  if (isTaken) sometimes(fence.epoch > 1, 'swarm/a later primary took a write')
}

async function changePrimary(sim: Sim): Promise<void> {
  for (let round = 0; sim.phase === 'safety'; round += 1) {
    const random = sim.random.fork(`change/${round}`)
    await sim.advance(200 + random.int(2_500))
    if (sim.phase !== 'safety') return
    const both = [0, 1].map((at) => sim.nodes[random.fork(`node/${at}`).int(sim.nodes.length)])
    // Now and then two at a time, which neither knows of.
    const setters = round % 3 === 0 ? both : both.slice(0, 1)
    for (const [at, setter] of setters.entries()) {
      const region = regionNames[random.fork(`region/${at}`).int(regionNames.length)] as string
      // A node that crashes or stops meanwhile has perhaps told somebody, perhaps nobody.
      if (setter?.running === true) setPrimary(setter, region).catch(() => undefined)
    }
  }
}

async function setPrimary({ name, up }: SimNode, region: string): Promise<void> {
  const epoch = await up.setPrimaryRegion(region)
  // Its node may have heard of a newer one in the moment since.
  if (up.primaryEpoch === epoch && up.primaryRegion !== region) {
    ledger.complaints.add(`${name} was told that ${region} is the primary, and it is ${up.primaryRegion}`)
  }
}

/** Writes would wait for ever for a region that is gone for good: an operator makes another one the primary. */
async function leaveDead(sim: Sim): Promise<void> {
  await sim.until(() => sim.running.length > 0 && beliefs(sim).size === 1, {
    withinMs: convergeMs,
    what: 'one primary',
  })
  const [first] = sim.running
  if (first === undefined || sim.running.some(({ region, up }) => region === up.primaryRegion)) return
  await first.up.setPrimaryRegion(first.region)
}

function checkEpochs(sim: Sim): string | void {
  for (const { name, lives, up } of sim.running) {
    const life = `${name}/${lives}`
    const { primaryEpoch } = up
    const before = known.get(life) ?? 0
    if (primaryEpoch < before) return `${life} went back from epoch ${before} to ${primaryEpoch}`
    known.set(life, primaryEpoch)
  }
}

/** What the running nodes believe, as texts. */
function beliefs(sim: Sim): Set<string> {
  return new Set(sim.running.map(({ up }) => `${up.primaryRegion} as of ${up.primaryEpoch}`))
}
