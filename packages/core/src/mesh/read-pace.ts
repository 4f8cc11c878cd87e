/** A turn in which the mesh actor reads what peers told ends after so many milliseconds; what it is at then is still finished. */
export const readMs = 2
/** Less than so many milliseconds of waiting are gathered first. */
const waitAtLeastMs = 1

/**
 * Of the thread's time, what peers tell the mesh actor takes half at most: after a turn in which it read, it waits for as long as that
 * took.
 *
 * @example
 * const waitMs = pace.took(clock.monotonic() - began)
 */
export class ReadPace {
  #owedMs = 0

  /** After how many milliseconds to read on. */
  took(ms: number): number {
    this.#owedMs += ms
    if (this.#owedMs < waitAtLeastMs) return 0
    const waitMs = this.#owedMs
    this.#owedMs = 0
    return waitMs
  }
}
