import type { Pid } from '../actor/pid.ts'

/**
 * Of one thread. Whether an actor of another thread has ended is not known here; beyond this many the one that was sent out
 * first is forgotten, and is to other nodes as if it had ended.
 */
export const sentOutMax = 262_144

/** The actors on this node's other threads that other nodes may send signals to. Those of main say it themselves. */
export class SentOut {
  readonly #threads = new Map<number, Set<number>>()

  add({ thread, serial }: Pid): void {
    let serials = this.#threads.get(thread)
    if (serials === undefined) {
      serials = new Set()
      this.#threads.set(thread, serials)
    }
    serials.add(serial)
    if (serials.size > sentOutMax) serials.delete(serials.values().next().value as number)
  }

  has({ thread, serial }: Pid): boolean {
    return this.#threads.get(thread)?.has(serial) === true
  }

  threadLost(thread: number): void {
    this.#threads.delete(thread)
  }
}
