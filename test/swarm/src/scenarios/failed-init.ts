import { actorName, child, defineApp, genServer, type InitContext, type Pid, supervisorBehavior } from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { Census } from '../census.ts'

const census = new Census()
const names = ['one', 'two', 'three']

/** Its init takes a while and may fail or never end. */
const slowStarter = genServer({
  name: 'slowStarter',
  async init(ctx: InitContext, id: string, how: 'works' | 'fails' | 'hangs') {
    census.born(ctx, id)
    await new Promise<void>((resolve) => ctx.clock.after(how === 'hangs' ? 600_000 : 50, resolve))
    if (how === 'fails') throw new Error('init failed as told')
  },
})

/**
 * A child fails in its init, hangs in it, or its supervisor is killed meanwhile: nobody is left behind whom no
 * supervisor knows, and all names are free. (actor-ts issues 953 and 112.)
 */
export const failedInit = defineSimulation({
  name: 'failed-init',
  app: defineApp({ name: 'failedInit', children: [] }),
  regions: { here: 1 },
  durationMs: 60_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    census.begin(sim)
    await sim.ready()
    const node = sim.node('here-1').up
    for (const how of ['fails', 'hangs'] as const) {
      const family = supervisorBehavior('family', {
        children: names.map((id) => {
          const last = id === 'three' ? how : 'works'
          return child(id, slowStarter, [id, last], { register: actorName(id), startMs: 1_000 })
        }),
      })
      const failed = await node.start(family, []).then(
        () => false,
        () => true,
      )
      if (!failed) throw new Error(`a supervisor started, whose child ${how}`)
      expectNobody(`after a child that ${how} in its init`)
      // Killed from outside, at every stage of its start.
      for (let step = 0; step < 8; step += 1) {
        const starting = node.start(family, [], { register: actorName('family') }).catch(() => undefined)
        await sim.advance(step * 25)
        const pid: Pid | undefined = node.whereis(actorName('family'))
        if (pid !== undefined) node.exit(pid, step % 2 === 0 ? 'kill' : 'shutdown')
        await starting
        await sim.advance(1_500)
        expectNobody(`after its supervisor was told to end ${step * 25} ms after its start`)
      }
    }

    function expectNobody(when: string): void {
      const [left] = census.alive()
      if (left !== undefined) throw new Error(`${left.label} is a zombie ${when}`)
      const taken = names.find((id) => node.whereis(actorName(id)) !== undefined)
      if (taken !== undefined) throw new Error(`the name ${taken} is not free ${when}`)
    }
  },
})
