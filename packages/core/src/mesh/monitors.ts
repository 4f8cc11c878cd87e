import { assert } from '../base/assert.ts'
import type { NodeId } from './transport.ts'

/** How many nodes watch each one. */
export const monitorsWanted = 6
/**
 * An accuser counts if it is among so many in the view of who hears the accusation: views differ for a moment after every
 * change, and a monitor must not be silenced by that.
 */
export const monitorsCounted = 8

const noMember = -1

/**
 * Who watches whom. A node's monitors are those whose hash with it is highest (rendezvous hashing, Thaler and Ravishankar
 * 1998), so that all who know the same nodes choose the same ones without asking, and one that comes or goes changes only
 * its own. The hash of two nodes is the same both ways, so most who watch each other do it over one link.
 *
 * Adding a node costs one hash per node, removing one costs that for each node that it watched. Takes 40 bytes a node.
 *
 * @example
 * const monitors = new MonitorTable(['a', 'b', 'c'])
 * monitors.of('a') // ['c', 'b']
 */
export class MonitorTable {
  readonly #slots = new Map<NodeId, number>()
  #names: (NodeId | undefined)[] = []
  #free: number[] = []
  #hashes = new Uint32Array(16)
  /** Of each slot the slots of its best `monitorsCounted` nodes, best first. */
  #best = new Int32Array(16 * monitorsCounted).fill(noMember)

  constructor(nodes: Iterable<NodeId> = []) {
    for (const node of nodes) this.add(node)
  }

  get size(): number {
    return this.#slots.size
  }

  has(node: NodeId): boolean {
    return this.#slots.has(node)
  }

  nodes(): Iterable<NodeId> {
    return this.#slots.keys()
  }

  /** Nothing for one that is there. */
  add(node: NodeId): void {
    if (this.#slots.has(node)) return
    const slot = this.#take(node)
    for (const other of this.#slots.values()) {
      if (other === slot) continue
      this.#consider(other, slot)
      this.#consider(slot, other)
    }
  }

  /** Nothing for one that is not there. */
  remove(node: NodeId): void {
    const slot = this.#slots.get(node)
    if (slot === undefined) return
    this.#slots.delete(node)
    this.#names[slot] = undefined
    this.#free.push(slot)
    for (const other of this.#slots.values()) if (this.#rank(other, slot) < monitorsCounted) this.#chooseAnew(other)
  }

  /** Its monitors, the first one first; none for a node that is not there. */
  of(node: NodeId): readonly NodeId[] {
    const slot = this.#slots.get(node)
    if (slot === undefined) return []
    const monitors: NodeId[] = []
    for (let rank = 0; rank < monitorsWanted; rank += 1) {
      const monitor = this.#best[slot * monitorsCounted + rank] as number
      if (monitor !== noMember) monitors.push(this.#names[monitor] as NodeId)
    }
    return monitors
  }

  /** The nodes that this one watches. */
  subjectsOf(node: NodeId): readonly NodeId[] {
    const slot = this.#slots.get(node)
    if (slot === undefined) return []
    const subjects: NodeId[] = []
    for (const [other, at] of this.#slots)
      if (at !== slot && this.#rank(at, slot) < monitorsWanted) subjects.push(other)
    return subjects
  }

  /** Whether its word about the subject counts. */
  counts(monitor: NodeId, subject: NodeId): boolean {
    const [from, to] = [this.#slots.get(monitor), this.#slots.get(subject)]
    return from !== undefined && to !== undefined && this.#rank(to, from) < monitorsCounted
  }

  #rank(subject: number, monitor: number): number {
    const first = subject * monitorsCounted
    for (let rank = 0; rank < monitorsCounted; rank += 1) if (this.#best[first + rank] === monitor) return rank
    return monitorsCounted
  }

  #take(node: NodeId): number {
    const slot = this.#free.pop() ?? this.#names.length
    if (slot === this.#hashes.length) this.#grow()
    this.#names[slot] = node
    this.#hashes[slot] = hashOf(node)
    this.#best.fill(noMember, slot * monitorsCounted, (slot + 1) * monitorsCounted)
    this.#slots.set(node, slot)
    return slot
  }

  #grow(): void {
    const hashes = new Uint32Array(this.#hashes.length * 2)
    hashes.set(this.#hashes)
    const best = new Int32Array(this.#best.length * 2).fill(noMember)
    best.set(this.#best)
    this.#hashes = hashes
    this.#best = best
  }

  #chooseAnew(subject: number): void {
    this.#best.fill(noMember, subject * monitorsCounted, (subject + 1) * monitorsCounted)
    for (const other of this.#slots.values()) if (other !== subject) this.#consider(subject, other)
  }

  #consider(subject: number, candidate: number): void {
    const first = subject * monitorsCounted
    let at = first + monitorsCounted - 1
    if (!this.#isBetter(subject, candidate, this.#best[at] as number)) return
    for (; at > first && this.#isBetter(subject, candidate, this.#best[at - 1] as number); at -= 1) {
      this.#best[at] = this.#best[at - 1] as number
    }
    this.#best[at] = candidate
  }

  #isBetter(subject: number, one: number, other: number): boolean {
    if (other === noMember) return true
    const hash = this.#hashes[subject] as number
    const [first, second] = [pairHash(hash, this.#hashes[one] as number), pairHash(hash, this.#hashes[other] as number)]
    if (first !== second) return first > second
    const [name, otherName] = [this.#names[one], this.#names[other]]
    assert(name !== undefined && otherName !== undefined, 'only members are chosen')
    return name > otherName
  }
}

/** FNV-1a, and a finish that spreads its last bytes: ids differ at their end. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mixed(hash)
}

function pairHash(one: number, other: number): number {
  return mixed((one ^ other) + Math.imul(one & other, 0x9e3779b1) + one + other)
}

// The finalizer of MurmurHash3.
function mixed(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
