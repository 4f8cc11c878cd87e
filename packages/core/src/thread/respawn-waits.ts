import { backoffDelayMs } from '../base/backoff.ts'
import type { Random } from '../platform/random.ts'

/** A pool thread that lived as long is replaced at once when it is lost; before that the wait doubles each time. */
const soundLifeMs = 10_000
const respawn = { firstMs: 100, maxMs: 30_000 }

/** How often the threads of one slot of the pool were lost young, and when the next one may start. */
interface Slot {
  losses: number
  notBeforeMs: number
}

/**
 * When the slots of a pool whose thread was lost may have another one: at once, or after a wait if they keep being lost young.
 *
 * @example
 * waits.lost(slot, thread.livedMs, now)
 * clock.after(waits.waitMs(slot, now), () => start(slot))
 */
export class RespawnWaits {
  readonly #slots: readonly Slot[]
  readonly #random: Random

  constructor(slots: number, random: Random) {
    this.#slots = Array.from({ length: slots }, () => ({ losses: 0, notBeforeMs: 0 }))
    this.#random = random
  }

  /** 0: at once. */
  waitMs(slot: number, now: number): number {
    return Math.max(0, this.#of(slot).notBeforeMs - now)
  }

  /** Its thread was lost after so long a life; 0 for one that was not started yet. */
  lost(index: number, livedMs: number, now: number): void {
    const slot = this.#of(index)
    if (livedMs >= soundLifeMs) slot.losses = 0
    const waitMs = slot.losses === 0 ? 0 : backoffDelayMs(slot.losses - 1, respawn, this.#random.float())
    slot.notBeforeMs = now + waitMs
    slot.losses += 1
  }

  #of(slot: number): Slot {
    return this.#slots[slot] as Slot
  }
}
