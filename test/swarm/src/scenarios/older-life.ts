import { defineApp, procedure } from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { unlessOverloaded } from '../unless-overloaded.ts'

const who = procedure({ name: 'older.who', run: (ctx): number => ctx.self.life })

/**
 * A node lives with a clock that is a minute fast, dies, and comes back with a clock that is right, so that all it says
 * looks older than what its life before had said: the new life is believed all the same, by everybody.
 */
export const olderLife = defineSimulation({
  name: 'older-life',
  app: defineApp({ name: 'older', children: [], procedures: [who] }),
  regions: { syd: 1, lax: 1, fra: 1 },
  durationMs: 90_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    await sim.ready()
    const setRight = sim.skew('syd-1', { jumpMs: 60_000 })
    sim.crash('syd-1')
    sim.restart('syd-1')
    await sim.ready({ withinMs: 20_000 })
    setRight()
    const heal = sim.partition(['syd-1'], ['fra-1'])
    sim.crash('syd-1', { silent: true })
    sim.restart('syd-1')
    await sim.advance(sim.random.int(12_000))
    heal()
    await sim.advance(20_000)
    for (const from of ['lax-1', 'fra-1']) {
      const life = await unlessOverloaded(sim, () => sim.node(from).up.rpcRegion('syd', who, undefined))
      if (life !== sim.node('syd-1').up.life) throw new Error(`${from} was answered by life ${life}`)
    }
  },
})
