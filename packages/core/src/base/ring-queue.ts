/** Of all that began without any: nothing is ever put there, as it is full. */
const noSlots: undefined[] = []
/** What a ring may keep when it becomes empty. */
const keptCapacity = 128

/**
 * A first-in first-out queue in a ring that doubles as it fills, and shrinks once it has become empty. It has no bound of its
 * own: whoever owns it checks `length` against a stated limit before `push`.
 */
export class RingQueue<T> {
  #slots: (T | undefined)[]
  #head = 0
  #length = 0
  readonly #initialCapacity: number

  constructor(initialCapacity = 16) {
    let capacity = 0
    while (capacity < initialCapacity) capacity = Math.max(2, capacity * 2)
    this.#slots = capacity === 0 ? noSlots : new Array<T | undefined>(capacity)
    this.#initialCapacity = capacity
  }

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length += 1
  }

  /** The oldest item, which stays; `undefined` when empty. */
  get first(): T | undefined {
    return this.#slots[this.#head]
  }

  /** The oldest item, removed; `undefined` when empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length -= 1
    if (this.#length === 0 && this.#slots.length > keptCapacity) this.#shrink()
    return item
  }

  /** Removes and returns everything, oldest first. */
  drain(): T[] {
    const items: T[] = []
    while (this.#length > 0) items.push(this.shift() as T)
    return items
  }

  /** Removes and returns the oldest item that `isIt` says yes to. Costs as many steps as there are older ones. */
  removeFirst(isIt: (item: T) => boolean): T | undefined {
    const mask = this.#slots.length - 1
    for (let older = 0; older < this.#length; older += 1) {
      const item = this.#slots[(this.#head + older) & mask] as T
      if (!isIt(item)) continue
      for (let index = older; index > 0; index -= 1) {
        this.#slots[(this.#head + index) & mask] = this.#slots[(this.#head + index - 1) & mask]
      }
      this.shift()
      return item
    }
    return undefined
  }

  /** Removes what `isUnwanted` says of; the rest keeps its order. Looks at every item. */
  removeWhere(isUnwanted: (item: T) => boolean): void {
    for (let left = this.#length; left > 0; left -= 1) {
      const item = this.shift() as T
      if (!isUnwanted(item)) this.push(item)
    }
  }

  // Not only for the memory: a ring that lives on moves to the old heap, where each young item that is put into it costs the
  // collector's books a twentieth of a message. The next burst grows a young one.
  #shrink(): void {
    if (this.#slots.length === this.#initialCapacity) return
    this.#slots = this.#initialCapacity === 0 ? noSlots : new Array<T | undefined>(this.#initialCapacity)
    this.#head = 0
  }

  #grow(): void {
    const grown = new Array<T | undefined>(Math.max(2, this.#slots.length * 2))
    for (let index = 0; index < this.#length; index += 1) {
      grown[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)]
    }
    this.#slots = grown
    this.#head = 0
  }
}
