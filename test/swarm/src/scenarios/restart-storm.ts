import { actorName, child, defineApp, genServer, type InitContext, supervisor } from '@skerry/core'
import { defineSimulation } from '@skerry/testing'

/** The starts in this run, by node, in virtual milliseconds. */
const starts: { readonly node: string; readonly atMs: number }[] = []
let nowMs: () => number = () => 0

/** Crashes right after each start, for ever. */
const doomed = genServer({
  name: 'doomed',
  init(ctx: InitContext) {
    starts.push({ node: ctx.node, atMs: nowMs() })
    ctx.sendAfter(1, ctx.self, 'crash')
  },
  info() {
    throw new Error('crashed as told')
  },
})
const bystander = genServer({ name: 'bystander', init: () => undefined, call: { ping: () => 'pong' } })
const bystanderName = actorName<{ call: { ping(): string }; cast: Record<never, never> }>('bystander')

const inner = { maxRestarts: 3, withinMs: 5_000 }
const outer = { maxRestarts: 2, withinMs: 30_000 }

/**
 * A child that can't live: its supervisor restarts it exactly as often as it may, then gives up, so does the one above,
 * exactly as often, then the node leaves and is started again a second later. There is no storm, and the other nodes
 * notice nothing but its absence. (The restart storms of akka and others.)
 */
export const restartStorm = defineSimulation({
  name: 'restart-storm',
  app: ({ name }) =>
    defineApp({
      name: 'storm',
      intensity: outer,
      children: [
        child('bystander', bystander, [], { register: bystanderName }),
        ...(name === 'syd-1'
          ? [supervisor('jobs', { intensity: inner, children: [child('doomed', doomed, [])] })]
          : []),
      ],
    }),
  regions: { syd: 1, lax: 2 },
  durationMs: 40_000,
  healMs: 0,
  faults: [],
  restartMs: 1_000,
  async workload(sim) {
    starts.length = 0
    nowMs = () => sim.nowMs
    const sick = sim.node('syd-1')
    await sim.until(() => sick.lives === 5, { withinMs: 30_000, what: 'the fifth life of the node' })
    const perLife = (inner.maxRestarts + 1) * (outer.maxRestarts + 1)
    await sim.until(() => starts.length >= 4 * perLife)
    for (let life = 0; life < 4; life += 1) {
      const own = starts.slice(life * perLife, (life + 1) * perLife)
      const [first, last] = [own[0]?.atMs ?? 0, own.at(-1)?.atMs ?? 0]
      const next = starts[(life + 1) * perLife]?.atMs
      if (last - first > 1_000) throw new Error(`life ${life + 1} took ${last - first} ms for its ${perLife} starts`)
      if (next !== undefined && next - last < 1_000)
        throw new Error(`life ${life + 2} began ${next - last} ms after the last`)
    }
    for (const name of ['lax-1', 'lax-2']) {
      if (sim.node(name).lives !== 1) throw new Error(`${name} was drawn into it`)
      await sim.node(name).up.call(bystanderName, 'ping', [])
    }
  },
})
