import { RuntimeError, sometimes } from '@skerry/core'
import { type Client, defineSimulation, type Sim } from '@skerry/testing'
import {
  acquireLock,
  lockApp,
  lockOwner,
  LockWitness,
  refreshLock,
  releaseLock,
  storeOwner,
  writeFenced,
} from './lock-cluster.ts'
import { leaseMs } from './lock-service.ts'

const witness = new LockWitness()
/** Who believes to have the lock, and until when by what it was told. Reckoned from before it asked, as a client must. */
const believers = new Map<string, number>()

/**
 * One lock, with leases and fencing tokens: tokens only grow, each has one owner, what it protects takes no older token
 * after a newer one, and at no moment do two clients believe that they have it.
 */
export const lock = defineSimulation({
  name: 'lock',
  app: lockApp,
  regions: { syd: 1, lax: 1, fra: 1 },
  primary: 'syd',
  durationMs: 20_000,
  healMs: 40_000,
  faults: 'all',
  async workload(sim) {
    witness.begin()
    believers.clear()
    await sim.clients(5, (client) => useLock(sim, client), { thinkMs: [50, 500] })
  },
  invariants: [witness.complaints.none('tokens are fenced'), { id: 'one owner', check: checkOneOwner, everyMs: 10 }],
})

async function useLock(sim: Sim, client: Client): Promise<void> {
  const { op: holder, random } = client
  const askedMs = sim.nowMs
  const lease = await client.rpc(lockOwner, acquireLock, holder, { timeoutMs: 1_000 })
  if (lease === undefined) return
  believe(holder, askedMs)
  try {
    const steps = 1 + random.fork('steps').int(4)
    for (let step = 0; step < steps; step += 1) {
      const draw = random.fork(`step/${step}`)
      await client.sleep(draw.int(700))
      // It does not look at its clock: that is what the token is for.
      const taken = await client.rpc(storeOwner, writeFenced, { token: lease.token, holder }, { timeoutMs: 2_000 })
      sometimes(!taken, 'swarm/a write with an old token was refused')
      if (!taken) return
      const beforeMs = sim.nowMs
      const has = await client.rpc(lockOwner, refreshLock, lease.token, { timeoutMs: 1_000 })
      if (!has) return
      believe(holder, beforeMs)
    }
    believers.delete(holder)
    await client.rpc(lockOwner, releaseLock, lease.token, { timeoutMs: 1_000 })
  } catch (error) {
    sometimes(error instanceof RuntimeError, 'swarm/a holder of the lock was cut off')
    throw error
  } finally {
    believers.delete(holder)
  }
}

function believe(holder: string, askedMs: number): void {
  believers.set(holder, askedMs + leaseMs)
}

function checkOneOwner(sim: Sim): string | void {
  const now = [...believers].filter(([, untilMs]) => sim.nowMs < untilMs).map(([holder]) => holder)
  if (now.length > 1) return `${now.join(' and ')} all believe to have the lock`
}
