/** A map that leaves its original alone and is copied on the first write, so that steps without news cost no copy. */
export class CopyOnWrite<Key, Value> {
  current: ReadonlyMap<Key, Value>
  #copy: Map<Key, Value> | undefined

  constructor(original: ReadonlyMap<Key, Value>) {
    this.current = original
  }

  get isCopied(): boolean {
    return this.#copy !== undefined
  }

  get size(): number {
    return this.current.size
  }

  get(key: Key): Value | undefined {
    return this.current.get(key)
  }

  values(): Iterable<Value> {
    return this.current.values()
  }

  /** The key that was added first; `undefined` when empty. */
  firstKey(): Key | undefined {
    return this.current.keys().next().value
  }

  set(key: Key, value: Value): void {
    this.#writable().set(key, value)
  }

  delete(key: Key): void {
    if (this.current.has(key)) this.#writable().delete(key)
  }

  #writable(): Map<Key, Value> {
    this.#copy ??= new Map(this.current)
    this.current = this.#copy
    return this.#copy
  }
}
