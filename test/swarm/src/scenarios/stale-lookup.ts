import {
  type ActorName,
  actorName,
  CallError,
  child,
  defineApp,
  genServer,
  type Pid,
  RpcError,
  procedure,
} from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { unlessOverloaded } from '../unless-overloaded.ts'

interface CounterProtocol {
  call: { add(): number }
  cast: Record<never, never>
}
const counterName: ActorName<CounterProtocol> = actorName('counter')

const counter = genServer({
  name: 'counter',
  init: () => ({ count: 0 }),
  call: { add: (ctx): number => (ctx.state.count += 1) },
})

/** Calls an actor wherever it is, from the node that runs this. */
const addTo = procedure({
  name: 'stale.add',
  run: (ctx, pid: Pid<CounterProtocol>): Promise<number> => ctx.call(pid, 'add', [], { timeoutMs: 3_000 }),
})
const find = procedure({
  name: 'stale.find',
  run(ctx): Pid<CounterProtocol> {
    const pid = ctx.whereis(counterName)
    if (pid === undefined) throw new Error('there is no counter')
    return pid
  },
})

/**
 * A node dies, and addresses of its actors and of itself are still in use. Its peers stop choosing it at once; an old
 * address reaches nobody, above all not the actor that has the same name and number in the next life. (kameo issue 213,
 * moleculer issue 1362.)
 */
export const staleLookup = defineSimulation({
  name: 'stale-lookup',
  app: defineApp({
    name: 'stale',
    children: [child('counter', counter, [], { register: counterName })],
    procedures: [addTo, find],
  }),
  regions: { syd: 1, lax: 1, fra: 1 },
  durationMs: 40_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    await sim.ready()
    const here = sim.node('lax-1').up
    const old = await unlessOverloaded(sim, () => here.rpc('syd-1', find, undefined))
    await unlessOverloaded(sim, () => here.rpc('lax-1', addTo, old))
    sim.crash('syd-1')
    // Its sockets are reset: two ways at the most, and a second for the slowest message.
    await sim.advance(2_000)
    if (here.regionNodes('syd').length > 0) throw new Error('a node that is dead for 2 s would still be chosen')
    const early = await whyNot(here.rpcRegion('syd', find, undefined))
    if (!(early instanceof RpcError) || early.outcome !== 'not-run')
      throw new Error(`a call to a dead region: ${String(early)}`)
    await expectNobody('ERR_NOCONNECTION')
    sim.restart('syd-1')
    await sim.until(() => here.isRpcSupported('syd-1', find), { withinMs: 15_000, what: 'the new life to be believed' })
    await expectNobody('ERR_NOPROC')
    const fresh = await unlessOverloaded(sim, () => here.rpc('syd-1', find, undefined))
    if (fresh.life === old.life) throw new Error('a life was used twice')
    const count = await unlessOverloaded(sim, () => here.rpc('lax-1', addTo, fresh))
    if (count !== 1) throw new Error(`a message to the old actor reached the new one: it counts ${count}`)

    async function expectNobody(code: string): Promise<void> {
      const error = await whyNot(here.call(old, 'add', []))
      if (!(error instanceof CallError) || error.code !== code || error.outcome !== 'not-run') {
        throw new Error(`a call to an actor that is gone should end with ${code}: ${String(error)}`)
      }
    }
  },
})

async function whyNot(asking: Promise<unknown>): Promise<unknown> {
  try {
    return await asking.then((value) => `answered ${JSON.stringify(value)}`)
  } catch (error) {
    return error
  }
}
