// All entries are 64 bits wide: at 20,000 starts a second, 32 would be used up in a day.
const lastThreadEntry = 0
const slotsEntry = 1
const mainSerialsEntry = 2
const firstSlotEntry = 3
const slotEntries = 3

const slotThread = 0
const slotSerials = 1
const slotEnded = 2

/** Serials that other threads give to actors of the main thread begin above this, its own below. */
const mainSerialsFrom = 2 ** 52

/**
 * What every thread of a node needs to place an actor on another one without asking: the numbers in use, in shared
 * memory. A pool thread's own actors have odd serials and those that others place there even ones, so that a Pid is
 * known before its thread has heard of it.
 */
export class ThreadTable {
  readonly buffer: SharedArrayBuffer
  readonly #entries: BigInt64Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#entries = new BigInt64Array(buffer)
  }

  static create(slots: number): ThreadTable {
    const table = new ThreadTable(new SharedArrayBuffer((firstSlotEntry + slots * slotEntries) * 8))
    Atomics.store(table.#entries, slotsEntry, BigInt(slots))
    return table
  }

  /** How many threads the pool has. */
  get slots(): number {
    return Number(Atomics.load(this.#entries, slotsEntry))
  }

  /** The highest thread number that anybody was given. */
  get lastThread(): number {
    return Number(Atomics.load(this.#entries, lastThreadEntry))
  }

  /** A thread number that nobody had. */
  nextThread(): number {
    return this.#increment(lastThreadEntry)
  }

  /** A serial for an actor that another thread places on the main one. */
  nextMainSerial(): number {
    return mainSerialsFrom + this.#increment(mainSerialsEntry)
  }

  /** The number of the thread of that slot: given now, if it has none. */
  threadOf(slot: number): number {
    const entry = firstSlotEntry + slot * slotEntries + slotThread
    const current = Number(Atomics.load(this.#entries, entry))
    if (current !== 0) return current
    const number = this.nextThread()
    const other = Number(Atomics.compareExchange(this.#entries, entry, 0n, BigInt(number)))
    return other === 0 ? number : other
  }

  /** The slot whose thread has that number. */
  slotOf(thread: number): number | undefined {
    for (let slot = 0; slot < this.slots; slot += 1) {
      if (Number(Atomics.load(this.#entries, firstSlotEntry + slot * slotEntries + slotThread)) === thread) return slot
    }
    return undefined
  }

  /** A serial for an actor that is placed on that slot's thread. */
  nextSerial(slot: number): number {
    return this.#increment(firstSlotEntry + slot * slotEntries + slotSerials) * 2
  }

  /** An actor that was placed there has ended. */
  ended(slot: number): void {
    this.#increment(firstSlotEntry + slot * slotEntries + slotEnded)
  }

  /** How many actors were placed on each slot's thread and have not ended. */
  loads(): number[] {
    return Array.from({ length: this.slots }, (_, slot) => {
      const entry = firstSlotEntry + slot * slotEntries
      return Number(Atomics.load(this.#entries, entry + slotSerials) - Atomics.load(this.#entries, entry + slotEnded))
    })
  }

  /** The slot's thread is gone and all of its actors with it; the next one who needs it gives the next a number. */
  clear(slot: number): void {
    const entry = firstSlotEntry + slot * slotEntries
    Atomics.store(this.#entries, entry + slotThread, 0n)
    Atomics.store(this.#entries, entry + slotEnded, Atomics.load(this.#entries, entry + slotSerials))
  }

  #increment(entry: number): number {
    return Number(Atomics.add(this.#entries, entry, 1n)) + 1
  }
}
