import type { Pid } from '../actor/pid.ts'
import type { GroupMembers } from './group-members.ts'
import { bytesOf, type Delta, placesOf, type SnapshotPart, type Want } from './scope-message.ts'

/** What one message carries, in bytes: below every usual transport's frame (1 MiB), and small beside a peer's backlog. */
const messageBytesMax = 32 * 1024
/** The actors of one delta. */
const deltaPidsMax = 1_024
/** What is kept of the past, in bytes: whoever is behind it gets a snapshot. */
const logBytesMax = 256 * 1024
/** The parts of a snapshot that are sent before the other asks for more. */
export const partsPerPull = 8

/** What a scope answers to a `pull`, one message each. */
export type PullAnswer =
  { readonly deltas: readonly (readonly Delta[])[] } | { readonly parts: readonly SnapshotPart[] }

interface Snapshot {
  readonly version: number
  readonly parts: readonly SnapshotPart[]
}

/**
 * What one scope tells the others of its own members: every change under a number of its own, the last ones again for
 * those who missed some, and a snapshot for the others. One writer each, so that to merge is to count: the idea is that of
 * delta-based replicated data, as in Phoenix.Tracker.
 */
export class MemberLog {
  #version = 0
  #recent: Delta[] = []
  #recentBytes = 0
  /** Kept while the log reaches on from it, as it is sent in parts, and to many. */
  #snapshot: Snapshot | undefined

  /** The number of the last change; 0 before the first one. */
  get version(): number {
    return this.#version
  }

  /** Notes a change; gives what to tell the others. */
  record(type: 'join' | 'leave', group: string, pids: readonly Pid[]): Delta[] {
    const deltas: Delta[] = []
    for (let at = 0; at < pids.length; at += deltaPidsMax) {
      this.#version += 1
      const places = placesOf(pids.slice(at, at + deltaPidsMax))
      deltas.push({ version: this.#version, type, group, places })
    }
    for (const delta of deltas) {
      this.#recent.push(delta)
      this.#recentBytes += bytesOfDelta(delta)
    }
    // In one go, as each takes the whole list.
    if (this.#recentBytes > 2 * logBytesMax) this.#forgetOldest()
    return deltas
  }

  /** For one that has `want`; `members` are those of this scope now. */
  answer({ have, snapshot, part }: Want, members: GroupMembers): PullAnswer {
    const kept = this.#snapshot
    if (kept !== undefined && kept.version === snapshot && part < kept.parts.length) {
      return { parts: kept.parts.slice(part, part + partsPerPull) }
    }
    if (have >= this.#version) return { deltas: [] }
    if (have > 0 && this.#reachesBackTo(have)) {
      return { deltas: messagesOf(this.#recent.slice(have - this.#version)) }
    }
    const first = kept !== undefined && this.#reachesBackTo(kept.version) ? kept : snapshotOf(members, this.#version)
    this.#snapshot = first
    return { parts: first.parts.slice(0, partsPerPull) }
  }

  /** Whether all changes behind that version are known. */
  #reachesBackTo(version: number): boolean {
    return version === this.#version || (this.#recent[0]?.version ?? Infinity) <= version + 1
  }

  #forgetOldest(): void {
    let gone = 0
    while (this.#recentBytes > logBytesMax) {
      this.#recentBytes -= bytesOfDelta(this.#recent[gone] as Delta)
      gone += 1
    }
    this.#recent = this.#recent.slice(gone)
    if (this.#snapshot !== undefined && !this.#reachesBackTo(this.#snapshot.version)) this.#snapshot = undefined
  }
}

/** Changes in as few messages as may carry them. */
export function messagesOf(deltas: readonly Delta[]): Delta[][] {
  const messages: Delta[][] = []
  let bytes = Infinity
  for (const delta of deltas) {
    const more = bytesOfDelta(delta)
    if (bytes + more > messageBytesMax) {
      messages.push([])
      bytes = 0
    }
    bytes += more
    messages.at(-1)?.push(delta)
  }
  return messages
}

function bytesOfDelta({ group, places }: Delta): number {
  return bytesOf(group, places.length)
}

function snapshotOf(members: GroupMembers, version: number): Snapshot {
  const parts: [string, number[]][][] = [[]]
  let bytesLeft = messageBytesMax
  for (const group of members.groups()) {
    let places = placesOf(members.pids(group))
    while (places.length > 0) {
      // Two numbers an actor, so never one without the other.
      const fitting = 2 * Math.floor((bytesLeft - bytesOf(group, 0)) / bytesOf('', 2))
      if (fitting < 2) {
        parts.push([])
        bytesLeft = messageBytesMax
        continue
      }
      const now = places.slice(0, fitting)
      places = places.slice(now.length)
      parts.at(-1)?.push([group, now])
      bytesLeft -= bytesOf(group, now.length)
    }
  }
  return { version, parts: parts.map((groups, part) => ({ version, part, parts: parts.length, groups })) }
}
