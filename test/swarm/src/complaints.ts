import type { Invariant } from '@skerry/testing'

/** What the actors and clients of a run saw that must never be. Only the first counts: what follows may follow from it. */
export class Complaints {
  #first: string | undefined

  begin(): void {
    this.#first = undefined
  }

  add(complaint: string): void {
    this.#first ??= complaint
  }

  /** The invariant that nobody complains. */
  none(id: string): Invariant {
    return { id, check: () => this.#first, atEnd: () => this.#first }
  }
}
