/** How much of a stream may be under way: items that were sent and not read, and their bytes. */
export interface StreamWindow {
  readonly items: number
  readonly bytes: number
}

/**
 * What one end of a stream may still send. An item may go while there is credit for any item and any byte, so that one that
 * is larger than the window passes too: under way is at most the window and one item.
 */
export class SendCredit {
  #items = 0
  #bytes = 0

  get isOpen(): boolean {
    return this.#items > 0 && this.#bytes > 0
  }

  grant(more: StreamWindow): void {
    this.#items += more.items
    this.#bytes += more.bytes
  }

  take(bytes: number): void {
    this.#items -= 1
    this.#bytes -= bytes
  }
}

/**
 * The other end's credit, as the one who gave it counts it: gives back what was read in portions of half a window, since a
 * signal for each item would double their number.
 */
export class GivenCredit {
  readonly #window: StreamWindow
  #items: number
  #bytes: number
  #readItems = 0
  #readBytes = 0

  constructor(window: StreamWindow) {
    this.#window = window
    this.#items = window.items
    this.#bytes = window.bytes
  }

  /** An item came; `false`: the sender had no credit for it. */
  arrived(bytes: number): boolean {
    if (this.#items <= 0 || this.#bytes <= 0) return false
    this.#items -= 1
    this.#bytes -= bytes
    return true
  }

  /** An item was read; what the sender should be given for what was read by now, if it is enough to be worth a signal. */
  read(bytes: number): StreamWindow | undefined {
    this.#readItems += 1
    this.#readBytes += bytes
    if (this.#readItems * 2 < this.#window.items && this.#readBytes * 2 < this.#window.bytes) return undefined
    const grant = { items: this.#readItems, bytes: this.#readBytes }
    this.#items += grant.items
    this.#bytes += grant.bytes
    this.#readItems = 0
    this.#readBytes = 0
    return grant
  }
}
