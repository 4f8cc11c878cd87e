import type { ProcedureContext } from '@skerry/core'
import type { Census, Life } from './census.ts'
import type { Complaints } from './complaints.ts'

interface Keyed {
  readonly id: string
  readonly life: Life
  /** It ended with a result, and its process was still wanted. */
  answered: boolean
}

/**
 * What was begun under each idempotency key: in one life of a node, nothing while it runs already, and nothing after it has
 * given a result.
 */
export class KeyLedger {
  readonly #census: Census
  readonly #complaints: Complaints
  readonly #last = new Map<string, Keyed>()

  constructor(census: Census, complaints: Complaints) {
    this.#census = census
    this.#complaints = complaints
  }

  begin(): void {
    this.#last.clear()
  }

  /** Around a procedure's work. Its key belongs to the node that called. */
  async around<T>(
    ctx: ProcedureContext,
    procedure: string,
    id: string,
    life: Life,
    work: () => Promise<T>,
  ): Promise<T> {
    const { self, caller, idempotencyKey } = ctx
    if (idempotencyKey === undefined) return await work()
    const key = `${self.node}/${self.life} ${caller.node} ${procedure} ${idempotencyKey}`
    const before = this.#last.get(key)
    if (before?.answered === true) this.#complaints.add(`${id} was begun after ${before.id} had answered under its key`)
    else if (before !== undefined && this.#census.lives(before.life)) {
      this.#complaints.add(`${id} was begun while ${before.id} ran under its key`)
    }
    const keyed: Keyed = { id, life, answered: false }
    this.#last.set(key, keyed)
    const result = await work()
    if (!ctx.signal.aborted) keyed.answered = true
    return result
  }
}
