import { defineApp } from '@skerry/core'
import { defineSimulation, type Sim } from '@skerry/testing'
import { askForWork, type GivenUp } from './work-load.ts'
import { workLedger, workProcedures } from './work-procedures.ts'

const regions = { syd: 2, lax: 1, fra: 1 }
const gaveUp: GivenUp[] = []

/**
 * The same work while links break and nodes crash: nothing is run twice, every outcome that a caller is told is true,
 * and when all is healed no process is left of calls that nobody waits for.
 */
export const remoteProcesses = defineSimulation({
  name: 'remote-processes',
  app: defineApp({ name: 'work', children: [], procedures: workProcedures }),
  regions,
  durationMs: 20_000,
  healMs: 30_000,
  faults: 'all',
  async workload(sim) {
    workLedger.begin(sim)
    gaveUp.length = 0
    await sim.clients(6, (client) => askForWork(client, Object.keys(regions), gaveUp), { thinkMs: [20, 400] })
  },
  invariants: [
    workLedger.complaints.none('every call is told what became of it'),
    { id: 'no process is left', atEnd: checkNoneLeft },
  ],
})

async function checkNoneLeft(sim: Sim): Promise<string | void> {
  // The longest deadline, and the time in which the loss of a link is noticed.
  await sim.advance(8_000)
  for (const { name, up } of sim.running) {
    const children = await up.whichChildren('system.RpcProcesses')
    if (children.length > 0) return `${name} has ${children.length} processes left`
  }
  const left = workLedger.running().find(({ life: { pid } }) => pid.thread === 0)
  if (left !== undefined) return `${left.id} still runs at ${left.life.pid.node}`
}
