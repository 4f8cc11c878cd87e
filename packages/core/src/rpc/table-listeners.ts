/** Who of this thread wants to know when the region table was written. On other threads a message from main says so. */
export class TableListeners {
  readonly #listeners = new Set<() => void>()

  /** Gives back what takes the listener away. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  written(): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener()
  }
}
