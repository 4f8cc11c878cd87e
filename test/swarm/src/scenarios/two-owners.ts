import { defineSimulation, type Sim } from '@skerry/testing'
import { acquireLock, lockApp, lockOwner, LockWitness, refreshLock, storeOwner, writeFenced } from '../lock-cluster.ts'
import { leaseMs } from '../lock-service.ts'
import { unlessOverloaded } from '../unless-overloaded.ts'

const witness = new LockWitness()

/**
 * The refresh of a lock hangs: its holder is cut off from the lock, but not from what the lock protects. Another gets the
 * lock when the lease is over, and the first holder, who does not know, is refused. (Effect issue 6508.)
 */
export const twoOwners = defineSimulation({
  name: 'two-owners',
  app: lockApp,
  regions: { syd: 1, lax: 1, fra: 2 },
  primary: 'syd',
  durationMs: 30_000,
  healMs: 0,
  faults: [],
  async workload(sim) {
    witness.begin()
    await sim.ready()
    // A lock that was never given waits out the lease of a life that might have been before.
    await sim.advance(leaseMs)
    const [first, second] = [sim.node('fra-1').up, sim.node('fra-2').up]
    const lease = await unlessOverloaded(sim, () => first.rpc(lockOwner, acquireLock, 'first'))
    if (lease === undefined) throw new Error('the lock was not free')
    const heal = sim.partition(['fra-1'], [lockOwner])
    const hanging = outcomeOf(first.rpc(lockOwner, refreshLock, lease.token, { timeoutMs: 4_000 }))
    const other = await untilGiven(sim, () => second.rpc(lockOwner, acquireLock, 'second'))
    const mine = { token: other.token, holder: 'second' }
    if (!(await unlessOverloaded(sim, () => second.rpc(storeOwner, writeFenced, mine)))) {
      throw new Error('the owner of the lock was refused')
    }
    const late = { token: lease.token, holder: 'first' }
    if (await unlessOverloaded(sim, () => first.rpc(storeOwner, writeFenced, late))) {
      throw new Error('two owners: the write of the first was taken after the lock had gone to the second')
    }
    if ((await hanging) !== 'unknown') throw new Error(`nobody can know what became of the refresh: ${await hanging}`)
    heal()
    // By then the links that the partition broke are replaced.
    await sim.advance(10_000)
    const isBack = await unlessOverloaded(sim, () => first.rpc(lockOwner, refreshLock, lease.token))
    if (isBack) throw new Error('the first owner got its lock back')
  },
  invariants: [witness.complaints.none('tokens are fenced')],
})

async function untilGiven<T>(sim: Sim, ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const given = await unlessOverloaded(sim, ask)
    if (given !== undefined) return given
    await sim.advance(100)
  }
  throw new Error('the lease never ended')
}

async function outcomeOf(asking: Promise<unknown>): Promise<unknown> {
  try {
    return await asking
  } catch (error) {
    return error instanceof Error && 'outcome' in error ? error.outcome : error
  }
}
