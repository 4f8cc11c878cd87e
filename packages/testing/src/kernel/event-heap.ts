/** What the heap orders: by time, then in the order of creation. */
export interface HeapEntry {
  readonly atUs: number
  readonly seq: number
}

// Four children a node: fewer levels than two, and the children lie beside each other.
const arity = 4

/** A priority queue of the events to come, earliest first. */
export class EventHeap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = []

  get length(): number {
    return this.#entries.length
  }

  peek(): Entry | undefined {
    return this.#entries[0]
  }

  push(entry: Entry): void {
    const entries = this.#entries
    let at = entries.length
    entries.push(entry)
    while (at > 0) {
      const parentAt = (at - 1) >> 2
      const parent = entries[parentAt] as Entry
      if (!isBefore(entry, parent)) break
      entries[at] = parent
      at = parentAt
    }
    entries[at] = entry
  }

  pop(): Entry | undefined {
    const entries = this.#entries
    const first = entries[0]
    const last = entries.pop()
    if (first === undefined || last === undefined || entries.length === 0) return first
    const { length } = entries
    let at = 0
    for (;;) {
      const firstChild = at * arity + 1
      if (firstChild >= length) break
      let leastAt = firstChild
      let least = entries[firstChild] as Entry
      const end = Math.min(firstChild + arity, length)
      for (let childAt = firstChild + 1; childAt < end; childAt += 1) {
        const child = entries[childAt] as Entry
        if (isBefore(child, least)) {
          least = child
          leastAt = childAt
        }
      }
      if (!isBefore(least, last)) break
      entries[at] = least
      at = leastAt
    }
    entries[at] = last
    return first
  }
}

function isBefore(one: HeapEntry, other: HeapEntry): boolean {
  return one.atUs < other.atUs || (one.atUs === other.atUs && one.seq < other.seq)
}
