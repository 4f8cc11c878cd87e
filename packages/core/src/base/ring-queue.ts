/**
 * A first-in first-out queue in a ring that doubles as it fills. It has no bound of its own: whoever owns it checks
 * `length` against a stated limit before `push`.
 */
export class RingQueue<T> {
  #slots: (T | undefined)[]
  #head = 0
  #length = 0

  constructor(initialCapacity = 16) {
    let capacity = 2
    while (capacity < initialCapacity) capacity *= 2
    this.#slots = new Array<T | undefined>(capacity)
  }

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length += 1
  }

  /** The oldest item, removed; `undefined` when empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length -= 1
    return item
  }

  /** Removes and returns everything, oldest first. */
  drain(): T[] {
    const items: T[] = []
    while (this.#length > 0) items.push(this.shift() as T)
    return items
  }

  /** Removes what `isUnwanted` says of; the rest keeps its order. Looks at every item. */
  removeWhere(isUnwanted: (item: T) => boolean): void {
    for (let left = this.#length; left > 0; left -= 1) {
      const item = this.shift() as T
      if (!isUnwanted(item)) this.push(item)
    }
  }

  #grow(): void {
    const grown = new Array<T | undefined>(this.#slots.length * 2)
    for (let index = 0; index < this.#length; index += 1) {
      grown[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)]
    }
    this.#slots = grown
    this.#head = 0
  }
}
