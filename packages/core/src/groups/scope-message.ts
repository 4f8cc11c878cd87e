import type { Pid } from '../actor/pid.ts'

// What the scopes of two nodes say to each other, in casts. A scope speaks of the actors of its own node only, so of a Pid
// it sends no more than the place on that node.

/** The longest name of a group, in UTF-16 units. */
export const groupNameMax = 255

/** Actors of the sender's node, each as its thread and its serial, one behind the other. */
export type Places = readonly number[]

/** One change of a scope's own members. Versions count by one. */
export interface Delta {
  readonly version: number
  readonly type: 'join' | 'leave'
  readonly group: string
  readonly places: Places
}

/** A part of all the members that a scope had at a version. A group may go on in the next part. */
export interface SnapshotPart {
  readonly version: number
  /** From 0. */
  readonly part: number
  readonly parts: number
  readonly groups: readonly (readonly [group: string, places: Places])[]
}

/** What one scope wants to be told by another. */
export interface Want {
  /** The version that it has. 0: nothing. */
  readonly have: number
  /** It has the parts below `part` of the snapshot of that version, and wants those from there. 0: of none. */
  readonly snapshot: number
  readonly part: number
}

/** What a scope takes from others. Each begins with who says it. */
export interface ScopeCasts {
  /** Here I am, and this is my version. Sent when the other was found, and again and again. */
  beat(from: Pid, version: number): void
  /** What changed; as it happens, and as the answer to a `pull`. */
  deltas(from: Pid, deltas: readonly Delta[]): void
  /** An answer to a `pull`. */
  part(from: Pid, part: SnapshotPart): void
  pull(from: Pid, want: Want): void
}

export function placesOf(pids: readonly Pid[]): number[] {
  const places: number[] = []
  for (const { thread, serial } of pids) places.push(thread, serial)
  return places
}

export function pidsAt({ node, life }: Pid, places: Places): Pid[] {
  const pids: Pid[] = []
  for (let at = 0; at < places.length; at += 2) {
    pids.push({ node, life, thread: places[at] as number, serial: places[at + 1] as number })
  }
  return pids
}

/** How many bytes it takes at most when it is encoded. */
export function bytesOf(group: string, places: number): number {
  return 64 + 3 * group.length + 9 * places
}

// A peer that has the cluster's secret is trusted, but may run another version of this code.

export function isGroupName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= groupNameMax
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function isDeltas(value: unknown): value is readonly Delta[] {
  return Array.isArray(value) && value.every(isDelta)
}

export function isPart(value: unknown): value is SnapshotPart {
  if (typeof value !== 'object' || value === null) return false
  const { version, part, parts, groups } = value as Partial<SnapshotPart>
  return (
    isCount(version) &&
    isCount(part) &&
    isCount(parts) &&
    part < parts &&
    Array.isArray(groups) &&
    groups.every((one: unknown) => Array.isArray(one) && isGroupName(one[0]) && isPlaces(one[1]))
  )
}

export function isWant(value: unknown): value is Want {
  if (typeof value !== 'object' || value === null) return false
  const { have, snapshot, part } = value as Partial<Want>
  return isCount(have) && isCount(snapshot) && isCount(part)
}

function isDelta(value: unknown): value is Delta {
  if (typeof value !== 'object' || value === null) return false
  const { version, type, group, places } = value as Partial<Delta>
  return isCount(version) && (type === 'join' || type === 'leave') && isGroupName(group) && isPlaces(places)
}

function isPlaces(value: unknown): value is Places {
  return Array.isArray(value) && value.length % 2 === 0 && value.every(isCount)
}
