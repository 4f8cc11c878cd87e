import type { Pid } from '../actor/pid.ts'
import { type GroupChange, GroupMembers } from './group-members.ts'
import { partsPerPull } from './member-log.ts'
import { type Delta, pidsAt, type SnapshotPart, type Want } from './scope-message.ts'

/** A snapshot on its way. */
interface Loading {
  readonly version: number
  readonly members: GroupMembers
  next: number
}

/**
 * What one scope knows of another one's members. A change that does not follow the last one shows that something was lost:
 * then `nextPull` asks, once; if that or its answer is lost too, the next beat makes it ask again.
 */
export class PeerView {
  #members = new GroupMembers()
  /** The version that `members` are of. */
  #held = 0
  /** The highest version that was heard of. */
  #seen = 0
  #loading: Loading | undefined
  #isAsking = false
  #isTooLarge = false
  readonly #scope: Pid
  readonly #membersMax: number

  constructor(scope: Pid, membersMax: number) {
    this.#scope = scope
    this.#membersMax = membersMax
  }

  get members(): GroupMembers {
    return this.#members
  }

  /** It has more members than fit here, and therefore none from now on. */
  get isTooLarge(): boolean {
    return this.#isTooLarge
  }

  takeBeat(version: number): void {
    this.#seen = Math.max(this.#seen, version)
    this.#isAsking = false
  }

  takeDeltas(deltas: readonly Delta[]): GroupChange[] {
    const changes: GroupChange[] = []
    for (const { version, type, group, places } of deltas) {
      this.#seen = Math.max(this.#seen, version)
      if (version !== this.#held + 1 || this.#isTooLarge) continue
      this.#held = version
      const pids = pidsAt(this.#scope, places)
      if (type === 'join') addAll(this.#members, group, pids)
      else for (const pid of pids) this.#members.remove(group, pid)
      changes.push({ type, group, pids })
    }
    if (this.#held >= this.#seen) this.#isAsking = false
    return this.#isWithin(this.#members) ? changes : [...changes, ...this.#giveUp()]
  }

  takePart({ version, part, parts, groups }: SnapshotPart): GroupChange[] {
    this.#seen = Math.max(this.#seen, version)
    if (version <= this.#held || this.#isTooLarge) return []
    if (part === 0 && version >= (this.#loading?.version ?? 0)) {
      this.#loading = { version, members: new GroupMembers(), next: 0 }
    }
    const loading = this.#loading
    if (loading === undefined || version !== loading.version || part !== loading.next) return []
    loading.next += 1
    for (const [group, places] of groups) addAll(loading.members, group, pidsAt(this.#scope, places))
    if (!this.#isWithin(loading.members)) return this.#giveUp()
    if (loading.next === parts) {
      const before = this.#members
      this.#members = loading.members
      this.#held = version
      this.#loading = undefined
      this.#isAsking = false
      return this.#members.changesSince(before)
    }
    if (loading.next % partsPerPull === 0) this.#isAsking = false
    return []
  }

  /** What to ask the other for, if there is something and it was not asked for yet. */
  nextPull(): Want | undefined {
    if (this.#held >= this.#seen || this.#isAsking || this.#isTooLarge) return undefined
    this.#isAsking = true
    // Changes that came one by one may have overtaken the snapshot.
    if (this.#loading !== undefined && this.#loading.version <= this.#held) this.#loading = undefined
    return { have: this.#held, snapshot: this.#loading?.version ?? 0, part: this.#loading?.next ?? 0 }
  }

  #isWithin(members: GroupMembers): boolean {
    return members.size <= this.#membersMax
  }

  #giveUp(): GroupChange[] {
    this.#isTooLarge = true
    this.#loading = undefined
    const before = this.#members
    this.#members = new GroupMembers()
    return this.#members.changesSince(before)
  }
}

function addAll(members: GroupMembers, group: string, pids: readonly Pid[]): void {
  for (const pid of pids) members.add(group, pid)
}
