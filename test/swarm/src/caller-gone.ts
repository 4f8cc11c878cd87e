import { defineApp, sometimes } from '@skerry/core'
import { defineSimulation, type Sim } from '@skerry/testing'
import { askForWork, type GivenUp } from './work-load.ts'
import { workLedger, workProcedures } from './work-procedures.ts'

const regions = { syd: 2, lax: 1, fra: 1 }
const gaveUp: GivenUp[] = []
// The slowest message on these short paths, then 250 ms.
const goneWithinMs = 350 + 250
// A process is told at its deadline and killed 100 ms later.
const deadlineSlackMs = 150

/**
 * Nothing goes wrong but the callers: they abort, time out and die. What they asked for is gone at once, no process
 * outlives its deadline, and a call in a call gets no more time than is left.
 */
export const callerGone = defineSimulation({
  name: 'caller-gone',
  app: defineApp({ name: 'work', children: [], procedures: workProcedures }),
  regions,
  network: { scale: 0.1 },
  durationMs: 12_000,
  healMs: 10_000,
  async workload(sim) {
    workLedger.begin(sim)
    gaveUp.length = 0
    await sim.ready()
    await sim.clients(8, (client) => askForWork(client, Object.keys(regions), gaveUp), { thinkMs: [5, 200] })
  },
  invariants: [
    workLedger.complaints.none('every call is told what became of it'),
    { id: 'what nobody waits for is ended', check: checkGone, everyMs: 50 },
    { id: 'no process outlives its deadline', check: checkDeadlines, everyMs: 50 },
    { id: 'no process is left', atEnd: checkNoneLeft },
  ],
})

function checkGone(sim: Sim): string | void {
  while (gaveUp[0] !== undefined && sim.nowMs > gaveUp[0].atMs + goneWithinMs) {
    const { id, from, atMs } = gaveUp.shift() as GivenUp
    for (const { life } of workLedger.runsOf(id)) {
      if (workLedger.census.lives(life))
        return `${id} of ${from} was given up at ${atMs} and still runs at ${life.pid.node}`
      sometimes(life.endedMs !== undefined && life.endedMs > atMs, 'swarm/a process was ended after its caller')
    }
  }
}

function checkDeadlines(sim: Sim): string | void {
  for (const { id, life, timeLeftMs } of workLedger.running()) {
    if (sim.nowMs > life.bornMs + timeLeftMs + deadlineSlackMs) {
      return `${id} began at ${life.bornMs} with ${timeLeftMs} ms and still runs at ${life.pid.node}`
    }
  }
}

/** Also as the nodes themselves see it. */
async function checkNoneLeft(sim: Sim): Promise<string | void> {
  await sim.advance(6_000)
  const [left] = workLedger.running()
  if (left !== undefined) return `${left.id} still runs at ${left.life.pid.node}`
  for (const { name, up } of sim.running) {
    const children = await up.whichChildren('system.RpcProcesses')
    if (children.length > 0) return `${name} has ${children.length} processes left`
  }
}
