interface Scheduled {
  readonly at: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** What is to happen, by time, then by age. */
export class EventHeap {
  #heap: Scheduled[] = []
  #order = 0

  add(at: number, run: () => void): { cancel(): void } {
    const event: Scheduled = { at, order: this.#order, run, cancelled: false }
    this.#order += 1
    const heap = this.#heap
    let slot = heap.length
    heap.push(event)
    while (slot > 0) {
      const parent = (slot - 1) >> 1
      if (!isBefore(event, heap[parent] as Scheduled)) break
      heap[slot] = heap[parent] as Scheduled
      slot = parent
    }
    heap[slot] = event
    return {
      cancel() {
        event.cancelled = true
      },
    }
  }

  /** Takes the first one until then. */
  next(until: number): Scheduled | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || first.at > until) return undefined
      this.#take()
      if (!first.cancelled) return first
    }
  }

  #take(): void {
    const heap = this.#heap
    const last = heap.pop() as Scheduled
    if (heap.length === 0) return
    let slot = 0
    for (;;) {
      let child = 2 * slot + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child += 1
      if (!isBefore(heap[child] as Scheduled, last)) break
      heap[slot] = heap[child] as Scheduled
      slot = child
    }
    heap[slot] = last
  }
}

function isBefore(one: Scheduled, other: Scheduled): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}
