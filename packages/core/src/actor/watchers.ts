import { type Pid, samePid } from './pid.ts'

/** Who watches an actor, and its number for that. */
export interface Watcher {
  readonly pid: Pid
  readonly ref: number
}

/** Up to so many are looked through, which takes less than to keep them in order. */
const fewMax = 32

/**
 * Those who watch one actor, in the order in which they came. To take one out costs the same however many there are: another node
 * may have hundreds of thousands of them.
 *
 * @example
 * watchers.add({ pid, ref })
 * if (watchers.remove(ref, pid)) removeEdge(pid)
 */
export class Watchers {
  #few: Watcher[] = []
  /** All, from more than a few on. Those of one key are of different nodes, or alike. */
  #many: Map<string, Watcher[]> | undefined

  add(watcher: Watcher): void {
    if (this.#many !== undefined) this.#file(this.#many, watcher)
    else if (this.#few.push(watcher) > fewMax) {
      this.#many = new Map()
      for (const one of this.#few) this.#file(this.#many, one)
      this.#few = []
    }
  }

  /** Whether it was there. */
  remove(ref: number, pid: Pid): boolean {
    const key = keyOf({ pid, ref })
    const among = this.#many === undefined ? this.#few : this.#many.get(key)
    if (among === undefined) return false
    const position = among.findIndex((watcher) => watcher.ref === ref && samePid(watcher.pid, pid))
    if (position === -1) return false
    among.splice(position, 1)
    if (among.length === 0) this.#many?.delete(key)
    return true
  }

  *all(): Iterable<Watcher> {
    yield* this.#few
    for (const alike of this.#many?.values() ?? []) yield* alike
  }

  removeWhere(isGone: (watcher: Watcher) => boolean): void {
    const left = [...this.all()].filter((watcher) => !isGone(watcher))
    this.#many = undefined
    this.#few = []
    for (const watcher of left) this.add(watcher)
  }

  #file(many: Map<string, Watcher[]>, watcher: Watcher): void {
    const key = keyOf(watcher)
    const alike = many.get(key)
    if (alike === undefined) many.set(key, [watcher])
    else alike.push(watcher)
  }
}

function keyOf({ pid, ref }: Watcher): string {
  return `${ref}/${pid.serial}/${pid.thread}`
}
