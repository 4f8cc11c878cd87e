/** Beyond as many numbers that overtook a missing one, the missing ones are taken for numbers that never come. */
const aheadMax = 1_024

/**
 * Which numbers of a sequence have come, when they may come in any order: all up to a mark, and a few above it.
 * Numbers begin at 1.
 */
export class Arrivals {
  #upTo = 0
  readonly #ahead = new Set<number>()

  has(number: number): boolean {
    return number <= this.#upTo || this.#ahead.has(number)
  }

  add(number: number): void {
    if (this.has(number)) return
    this.#ahead.add(number)
    if (this.#ahead.size > aheadMax) this.#upTo = Math.min(...this.#ahead) - 1
    while (this.#ahead.delete(this.#upTo + 1)) this.#upTo += 1
  }
}
