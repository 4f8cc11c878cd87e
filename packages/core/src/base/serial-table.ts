const capacityMin = 16

/**
 * A table by numbers that were given out one after another. A `Map` whose entries come and go all the time allocates its
 * tables anew, which ends up in the old generation; here an entry costs two stores. Open addressing with linear probing,
 * at most half full; what follows a removed entry moves up, so that nothing is left behind. Keys are whole numbers from 0.
 */
export class SerialTable<T> {
  #keys: number[]
  #values: (T | undefined)[]
  #mask: number
  #size = 0

  constructor() {
    this.#keys = emptyKeys(capacityMin)
    this.#values = new Array<T | undefined>(capacityMin)
    this.#mask = capacityMin - 1
  }

  get size(): number {
    return this.#size
  }

  get(key: number): T | undefined {
    // Mostly it is at home. Short enough to be inlined, which the search is not: worth a thirtieth of a local call.
    const home = this.#homeOf(key)
    return this.#keys[home] === key ? this.#values[home] : this.#values[this.#slotOf(key)]
  }

  set(key: number, value: T): void {
    const slot = this.#slotOf(key)
    if (this.#keys[slot] === free) {
      this.#keys[slot] = key
      this.#size += 1
    }
    this.#values[slot] = value
    if (this.#size * 2 > this.#mask) this.#grow()
  }

  /** Whether there was one. */
  delete(key: number): boolean {
    let gap = this.#slotOf(key)
    if (this.#keys[gap] === free) return false
    this.#size -= 1
    for (let slot = (gap + 1) & this.#mask; this.#keys[slot] !== free; slot = (slot + 1) & this.#mask) {
      const moved = this.#keys[slot] as number
      // It may move up to the gap, unless its own place lies behind that.
      const distance = (slot - this.#homeOf(moved)) & this.#mask
      if (distance < ((slot - gap) & this.#mask)) continue
      this.#keys[gap] = moved
      this.#values[gap] = this.#values[slot]
      gap = slot
    }
    this.#keys[gap] = free
    this.#values[gap] = undefined
    return true
  }

  /** All entries, by ascending key, as they are now. */
  entries(): [number, T][] {
    const entries: [number, T][] = []
    for (let slot = 0; slot <= this.#mask; slot += 1) {
      const key = this.#keys[slot] as number
      if (key !== free) entries.push([key, this.#values[slot] as T])
    }
    return entries.sort(([left], [right]) => left - right)
  }

  /** Scattered (Fibonacci hashing): side by side, serials would make one long run, all of which a removal looks through. */
  #homeOf(key: number): number {
    return (Math.imul(key, 0x9e3779b1) >>> 7) & this.#mask
  }

  /** Where the key is, or where it would go. */
  #slotOf(key: number): number {
    let slot = this.#homeOf(key)
    while (this.#keys[slot] !== key && this.#keys[slot] !== free) slot = (slot + 1) & this.#mask
    return slot
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    const capacity = keys.length * 2
    this.#keys = emptyKeys(capacity)
    this.#values = new Array<T | undefined>(capacity)
    this.#mask = capacity - 1
    for (const [slot, key] of keys.entries()) {
      if (key === free) continue
      const to = this.#slotOf(key)
      this.#keys[to] = key
      this.#values[to] = values[slot]
    }
  }
}

const free = -1

function emptyKeys(capacity: number): number[] {
  return new Array<number>(capacity).fill(free)
}
