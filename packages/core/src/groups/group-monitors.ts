import { formatPid, type Pid } from '../actor/pid.ts'
import type { GroupChange } from './group-members.ts'

/** What a monitor of a group or of a scope delivers: who came to a group or went from it, each as often as it did. */
export interface GroupMessage extends GroupChange {
  readonly ref: number
}

/** One monitor: whom to tell, under which number of theirs, of which group; `undefined`: of all. */
export interface GroupMonitor {
  readonly pid: Pid
  readonly ref: number
  readonly group: string | undefined
}

/** Who wants to be told of which groups. */
export class GroupMonitors {
  readonly #byWatcher = new Map<string, GroupMonitor[]>()
  readonly #byGroup = new Map<string | undefined, Set<GroupMonitor>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(monitor: GroupMonitor): void {
    const key = formatPid(monitor.pid)
    const own = this.#byWatcher.get(key)
    if (own === undefined) this.#byWatcher.set(key, [monitor])
    else own.push(monitor)
    const group = this.#byGroup.get(monitor.group)
    if (group === undefined) this.#byGroup.set(monitor.group, new Set([monitor]))
    else group.add(monitor)
    this.#size += 1
  }

  /** Whether the actor has a monitor here. */
  isWatching(pid: Pid): boolean {
    return this.#byWatcher.has(formatPid(pid))
  }

  /** `false` if there is none of that number. */
  remove(pid: Pid, ref: number): boolean {
    const key = formatPid(pid)
    const own = this.#byWatcher.get(key) ?? []
    const monitor = own.find((one) => one.ref === ref)
    if (monitor === undefined) return false
    const left = own.filter((one) => one !== monitor)
    if (left.length === 0) this.#byWatcher.delete(key)
    else this.#byWatcher.set(key, left)
    this.#forget(monitor)
    return true
  }

  /** Ends all of one that is gone. */
  removeAllOf(pid: Pid): void {
    const key = formatPid(pid)
    for (const monitor of this.#byWatcher.get(key) ?? []) this.#forget(monitor)
    this.#byWatcher.delete(key)
  }

  /** Who is to be told of a change of the group. */
  *of(group: string): Generator<GroupMonitor> {
    yield* this.#byGroup.get(group) ?? []
    yield* this.#byGroup.get(undefined) ?? []
  }

  #forget(monitor: GroupMonitor): void {
    const group = this.#byGroup.get(monitor.group)
    group?.delete(monitor)
    if (group?.size === 0) this.#byGroup.delete(monitor.group)
    this.#size -= 1
  }
}
