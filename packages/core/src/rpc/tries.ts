import type { NodeId } from '../actor/pid.ts'
import { backoffDelayMs, type BackoffOptions } from '../base/backoff.ts'

/** The nodes that one call tries before it gives up, each after a certain "not run" from the one before. */
const attemptsMax = 3
/** How many of its attempts, and of the choices before them, a call can tell of: the last ones. Only one that waits makes more. */
export const attemptsKept = 32

// Who refused a call that waits is asked again after a pause: a node that is busy is so mostly for seconds, and each ask costs
// it as much as a call.
const pauses: BackoffOptions = { firstMs: 100, maxMs: 2_000 }

/**
 * What a call has tried, as far as it decides whether it tries another node: made at its first failure. A call that waits
 * (`wait: true`) tries in rounds, each as much as a call that does not, with a pause in between.
 */
export class Tries {
  /** Those that would not do, in this round. */
  readonly nodes: Set<NodeId> = new Set()
  #made = 0
  #moves = 0
  #rounds = 0

  /** One more attempt failed. */
  add(): void {
    this.#made += 1
  }

  /** It failed because the primary had moved from where it was sought: that attempt does not count. `false`: it moved too often. */
  move(): boolean {
    if (this.#moves >= attemptsMax) return false
    this.#moves += 1
    return true
  }

  get areSpent(): boolean {
    return this.#made - this.#moves >= attemptsMax
  }

  /** Whether anybody refused in this round. */
  get isRefused(): boolean {
    return this.#made > 0
  }

  /** Milliseconds before those who refused are asked again. `chance` is from 0 to 1. */
  pauseMs(chance: number): number {
    return backoffDelayMs(this.#rounds, pauses, chance)
  }

  /** All may be asked again. */
  nextRound(): void {
    this.nodes.clear()
    this.#made = 0
    this.#moves = 0
    this.#rounds += 1
  }
}

/** Adds to a list of which only the last {@link attemptsKept} are kept. */
export function keepLast<T>(list: T[], one: T): void {
  if (list.length === attemptsKept) list.shift()
  list.push(one)
}
