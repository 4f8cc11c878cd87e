import { defineApp, procedure } from '@skerry/core'
import { defineSimulation, type Sim } from '@skerry/testing'
import { unlessOverloaded } from '../unless-overloaded.ts'

const ping = procedure({ name: 'sick.ping', run: (ctx): string => ctx.self.node })
const sick = 'lax-1'
const healthy = ['syd-1', 'syd-2', 'fra-1', 'nrt-1']

/**
 * One node stands still, is slow, comes and goes, for a long time. The others must not believe each other dead because of
 * what it says or does not say: their tables go on, and their calls. Who is silent is chosen by nobody. (Pekko issue 578.)
 */
export const sickNode = defineSimulation({
  name: 'sick-node',
  app: defineApp({ name: 'sick', children: [], procedures: [ping] }),
  regions: { syd: 2, lax: 1, fra: 1, nrt: 1 },
  durationMs: 60_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    await sim.ready()
    for (let round = 0; round < 3; round += 1) {
      // Long enough to be suspected, and not to be given up.
      sim.pause(sick, 4_200)
      await sim.advance(3_700)
      for (const name of healthy) {
        if (sim.node(name).up.regionNodes('lax').length > 0)
          throw new Error(`${name} would still choose ${sick}, silent for 3,7 s`)
      }
      await sim.advance(3_000)
    }
    const heal = sim.inject({
      kind: 'flap',
      from: [sick],
      to: ['rest'],
      cutMs: 2_500,
      openMs: 700,
      atMs: sim.nowMs,
      forMs: 20_000,
    })
    for (let second = 0; second < 12; second += 1) {
      await pingAll(sim)
      await sim.advance(1_000)
    }
    heal()
    await sim.until(() => healthy.every((name) => sim.node(name).up.regionNodes('lax').includes(sick)), {
      withinMs: 15_000,
      what: 'the sick node to be well again',
    })
  },
  invariants: [{ id: 'the others go on', check: othersKnowEachOther, everyMs: 100 }],
})

async function pingAll(sim: Sim): Promise<void> {
  const pairs = healthy.flatMap((from) => healthy.map((to) => ({ from, to })))
  await Promise.all(
    pairs.map(({ from, to }) => unlessOverloaded(sim, () => sim.node(from).up.rpc(to, ping, undefined))),
  )
}

let wereReady: Sim | undefined

function othersKnowEachOther(sim: Sim): string | void {
  const missing = healthy.flatMap((name) =>
    healthy.filter((other) => sim.node(name).node?.regionOf(other) === undefined).map((other) => `${other} by ${name}`),
  )
  if (missing.length === 0) wereReady = sim
  // Before that they are only getting to know each other.
  else if (wereReady === sim) return `not known any more: ${missing.join(', ')}`
}
