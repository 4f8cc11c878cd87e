import { type AppDefinition, child, defineApp, procedure } from '@skerry/core'
import { Complaints } from './complaints.ts'
import { fencedName, fencedStore, hearGrants, hearWrites, type Lease, lockName, lockService } from './lock-service.ts'

export const lockOwner = 'syd-1'
export const storeOwner = 'lax-1'

export const acquireLock = procedure({
  name: 'lock.acquire',
  run: (ctx, holder: string): Promise<Lease | undefined> => ctx.call(lockName, 'acquire', [holder]),
})
export const refreshLock = procedure({
  name: 'lock.refresh',
  run: (ctx, token: number): Promise<boolean> => ctx.call(lockName, 'refresh', [token]),
})
export const releaseLock = procedure({
  name: 'lock.release',
  run: (ctx, token: number): Promise<boolean> => ctx.call(lockName, 'release', [token]),
})
export const writeFenced = procedure({
  name: 'fenced.write',
  run: (ctx, { token, holder }: { readonly token: number; readonly holder: string }): Promise<boolean> =>
    ctx.call(fencedName, 'write', [token, holder]),
})

/** The lock is on one node, what it protects on another. */
export function lockApp({ name }: { readonly name: string }): AppDefinition {
  return defineApp({
    name: 'lock',
    children: [
      ...(name === lockOwner ? [child('lock', lockService, [], { register: lockName })] : []),
      ...(name === storeOwner ? [child('fenced', fencedStore, [], { register: fencedName })] : []),
    ],
    procedures: [
      ...(name === lockOwner ? [acquireLock, refreshLock, releaseLock] : []),
      ...(name === storeOwner ? [writeFenced] : []),
    ],
  })
}

/** Hears of every gift and every write of a run, and complains of those that must not be. */
export class LockWitness {
  readonly complaints = new Complaints()
  #given = new Map<number, string>()
  #newestGiven = 0
  #newestWritten = 0
  #writes = 0

  begin(): void {
    this.complaints.begin()
    this.#given = new Map()
    this.#newestGiven = 0
    this.#newestWritten = 0
    this.#writes = 0
    hearGrants(({ token, holder }) => {
      if (token <= this.#newestGiven) {
        this.complaints.add(`${holder} was given token ${token} after ${this.#newestGiven} was given`)
      }
      this.#newestGiven = token
      this.#given.set(token, holder)
    })
    hearWrites((token, holder) => {
      this.#writes += 1
      if (token < this.#newestWritten)
        this.complaints.add(`a write with ${token} came after one with ${this.#newestWritten}`)
      this.#newestWritten = token
      if (this.#given.get(token) !== holder) {
        this.complaints.add(
          `${holder} wrote with token ${token}, which ${this.#given.get(token) ?? 'nobody'} was given`,
        )
      }
    })
  }

  get writes(): number {
    return this.#writes
  }
}
