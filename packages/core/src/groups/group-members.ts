import { formatPid, type Pid } from '../actor/pid.ts'

/** What happened to one group: who came, or who went, as often as they did. */
export interface GroupChange {
  readonly type: 'join' | 'leave'
  readonly group: string
  readonly pids: readonly Pid[]
}

interface Member {
  readonly pid: Pid
  times: number
}

/** Who is in which group, and how often: who joined twice is in it twice. A group without members does not exist. */
export class GroupMembers {
  readonly #groups = new Map<string, Map<string, Member>>()
  #size = 0

  /** The memberships of all groups. */
  get size(): number {
    return this.#size
  }

  add(group: string, pid: Pid, times = 1): void {
    let members = this.#groups.get(group)
    if (members === undefined) {
      members = new Map()
      this.#groups.set(group, members)
    }
    const key = formatPid(pid)
    const member = members.get(key)
    if (member === undefined) members.set(key, { pid, times })
    else member.times += times
    this.#size += times
  }

  /** Takes it out, at most so many times; gives how often it did. */
  remove(group: string, pid: Pid, times = 1): number {
    const members = this.#groups.get(group)
    const key = formatPid(pid)
    const member = members?.get(key)
    if (members === undefined || member === undefined) return 0
    const taken = Math.min(times, member.times)
    member.times -= taken
    this.#size -= taken
    if (member.times === 0) members.delete(key)
    if (members.size === 0) this.#groups.delete(group)
    return taken
  }

  timesOf(group: string, pid: Pid): number {
    return this.#groups.get(group)?.get(formatPid(pid))?.times ?? 0
  }

  /** In the order in which they came, each as often as it joined. */
  pids(group: string): Pid[] {
    const pids: Pid[] = []
    for (const { pid, times } of this.#groups.get(group)?.values() ?? []) pushTimes(pids, pid, times)
    return pids
  }

  groups(): IterableIterator<string> {
    return this.#groups.keys()
  }

  has(group: string): boolean {
    return this.#groups.has(group)
  }

  /** What makes these members out of those that were before. */
  changesSince(before: GroupMembers): GroupChange[] {
    return [...before.#excessOver(this, 'leave'), ...this.#excessOver(before, 'join')]
  }

  *#excessOver(other: GroupMembers, type: 'join' | 'leave'): Generator<GroupChange> {
    for (const [group, members] of this.#groups) {
      const pids: Pid[] = []
      for (const { pid, times } of members.values()) pushTimes(pids, pid, times - other.timesOf(group, pid))
      if (pids.length > 0) yield { type, group, pids }
    }
  }
}

function pushTimes(pids: Pid[], pid: Pid, times: number): void {
  for (let left = times; left > 0; left -= 1) pids.push(pid)
}
