import { actorName, CallError, child, defineApp, genServer, isPid, type Pid, procedure, sometimes } from '@skerry/core'
import { type Client, defineSimulation } from '@skerry/testing'
import { Complaints } from './complaints.ts'

const complaints = new Complaints()
/** The calls whose handler has begun. */
const begun = new Set<string>()
/** Those whose caller was told that it did not. */
const notRun = new Set<string>()

interface EchoProtocol {
  call: { echo(id: string, ms: number): string }
  cast: Record<never, never>
}
const echoName = actorName<EchoProtocol>('echo')

/** Gives back what it was sent, after a while, and takes other calls meanwhile. */
const echo = genServer({
  name: 'echo',
  init: () => undefined,
  call: {
    echo(ctx, id: string, ms: number) {
      if (begun.has(id)) complaints.add(`the call ${id} was handled twice`)
      if (notRun.has(id)) complaints.add(`the call ${id} was handled after it was told "not-run"`)
      begun.add(id)
      const deferred = ctx.defer<string>()
      ctx.clock.after(ms, () => deferred.reply(id))
      return deferred
    },
  },
})

/** Where a node's echo is. */
const findEcho = procedure({ name: 'calls.echo', run: (ctx): Pid | undefined => ctx.whereis(echoName) })

/**
 * Calls to actors of other nodes, many at a time, of which some are given up before their answer comes: each gets its own
 * answer or none, and what it is told of its handler is true.
 */
export const calls = defineSimulation({
  name: 'calls',
  app: defineApp({
    name: 'calls',
    children: [child('echo', echo, [], { register: echoName })],
    procedures: [findEcho],
  }),
  regions: { syd: 1, lax: 1, fra: 1 },
  durationMs: 15_000,
  healMs: 20_000,
  faults: 'all',
  async workload(sim) {
    complaints.begin()
    begun.clear()
    notRun.clear()
    await sim.clients(4, callSome, { thinkMs: [20, 400] })
  },
  invariants: [complaints.none('every call gets its own answer')],
})

/** Finds the echo of some node, and calls it several times in a moment. */
async function callSome(client: Client): Promise<void> {
  const { home, op, random } = client
  const node = ['syd-1', 'lax-1', 'fra-1'][random.fork('node').int(3)] as string
  const pid = await client.rpc(node, findEcho, undefined, { timeoutMs: 2_000 })
  if (!isPid(pid)) return
  const count = 1 + random.fork('count').int(4)
  const asking = Array.from({ length: count }, (_, at) => {
    const draw = random.fork(`call/${at}`)
    return callOnce(`${op}/${at}`, draw.int(800), (id, ms) =>
      home.whileUp((up) => up.call(pid as Pid<EchoProtocol>, 'echo', [id, ms], { timeoutMs: 100 + draw.int(1_200) })),
    )
  })
  await Promise.all(asking)
}

async function callOnce(id: string, ms: number, call: (id: string, ms: number) => Promise<string>): Promise<void> {
  try {
    const answer = await call(id, ms)
    if (answer !== id) complaints.add(`the call ${id} got the answer of ${answer}`)
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    sometimes(error.code === 'ERR_CALL_TIMEOUT' && begun.has(id), 'swarm/a call was given up before its answer came')
    if (error.outcome === 'ran' && !begun.has(id)) complaints.add(`the call ${id} was told "ran" and was not handled`)
    if (error.outcome !== 'not-run') return
    if (begun.has(id)) complaints.add(`the call ${id} was handled and told ${error.code} "not-run"`)
    notRun.add(id)
  }
}
