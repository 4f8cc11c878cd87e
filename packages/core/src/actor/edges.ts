import { SerialTable } from '../base/serial-table.ts'
import type { ExitReason } from './exit-reason.ts'
import type { NodeId, Pid } from './pid.ts'

/** Something with an address of its own that holds links, monitors or calls to other threads or nodes. */
export interface EdgeHolder {
  readonly pid: Pid
  /** The other side is gone: every link, monitor and call toward it fires now. */
  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void
}

/** One that holds no more than one edge at a time. */
export interface LoneHolder extends EdgeHolder {
  /** Where it stands among those of its edge. Theirs to write. */
  edgeAt: number | undefined
}

/** The edge of such a one, by which it is taken back. */
export type LoneEdge = ThreadEdges

/** A node's life that was lost, or one thread of it. */
export interface LostPeer {
  readonly node: NodeId
  readonly life: number
  /** Only this thread; absent: the whole node. */
  readonly thread?: number
}

export function isLost(pid: Pid, lost: LostPeer): boolean {
  return pid.node === lost.node && pid.life === lost.life && (lost.thread === undefined || pid.thread === lost.thread)
}

/** The edges to one life of a node. */
interface NodeEdges {
  readonly node: NodeId
  readonly life: number
  readonly threads: Map<number, ThreadEdges>
  /** How many there are. */
  count: number
}

/** Who has edges to one thread of one life of a node, and how many each. */
interface ThreadEdges {
  readonly of: NodeEdges
  readonly node: NodeId
  readonly life: number
  readonly thread: number
  /** By serial. */
  readonly holders: SerialTable<EdgeHolder>
  /** Of those that hold one: to put one here and take it out again costs a third of what a table takes. */
  readonly lone: LoneHolder[]
  /** By serial, of those that have more than one: how many more. */
  readonly more: Map<number, number>
}

/**
 * Links, monitors and calls between this thread and one life of another node, from which on a further link or monitor from there is
 * refused: each takes some 300 bytes.
 */
export const edgesPerNodeMax = 262_144

/** Who on this thread holds something toward which other thread or node, so that a loss asks only those concerned. */
export class Edges {
  /** By node and life. */
  readonly #nodes = new Map<string, NodeEdges>()
  /**
   * The one asked for last, which stays when it is empty: edges come and go in bursts, and a text for each key would cost more
   * than the edge.
   */
  #last: ThreadEdges | undefined

  /** How many holders there are, over all threads and nodes. */
  get size(): number {
    let size = 0
    for (const { threads } of this.#nodes.values()) {
      for (const { holders, lone } of threads.values()) size += holders.size + lone.length
    }
    return size
  }

  /** The nodes toward which anybody holds something. */
  nodes(): Set<NodeId> {
    const nodes = new Set<NodeId>()
    for (const { threads } of this.#nodes.values()) {
      for (const edges of threads.values()) if (!isEmpty(edges)) nodes.add(edges.node)
    }
    return nodes
  }

  add(target: Pid, holder: EdgeHolder): void {
    const { of, holders, more } = this.#find(target) ?? this.#open(target)
    const { serial } = holder.pid
    of.count += 1
    if (holders.get(serial) === undefined) holders.set(serial, holder)
    else more.set(serial, (more.get(serial) ?? 0) + 1)
  }

  /** Takes back one `add`. */
  remove(target: Pid, holder: EdgeHolder): void {
    const edges = this.#find(target)
    if (edges === undefined) return
    const { serial } = holder.pid
    if (edges.holders.get(serial) === undefined) return
    edges.of.count -= 1
    const left = edges.more.size === 0 ? undefined : edges.more.get(serial)
    if (left === undefined) edges.holders.delete(serial)
    else if (left > 1) edges.more.set(serial, left - 1)
    else edges.more.delete(serial)
    if (edges !== this.#last && isEmpty(edges)) this.#close(edges)
  }

  addLone(target: Pid, holder: LoneHolder): LoneEdge {
    const edges = this.#find(target) ?? this.#open(target)
    edges.of.count += 1
    holder.edgeAt = edges.lone.length
    edges.lone.push(holder)
    return edges
  }

  /** Takes it back. Nothing where its other end was lost. */
  removeLone(edges: LoneEdge, holder: LoneHolder): void {
    const at = holder.edgeAt
    const { lone } = edges
    if (at === undefined || lone[at] !== holder) return
    holder.edgeAt = undefined
    const last = lone.pop() as LoneHolder
    if (last !== holder) {
      lone[at] = last
      last.edgeAt = at
    }
    edges.of.count -= 1
    if (lone.length === 0 && edges !== this.#last && edges.holders.size === 0) this.#close(edges)
  }

  /** How many there are to that life of the node: of each holder as often as it was added. */
  countOf(peer: { readonly node: NodeId; readonly life: number }): number {
    const last = this.#last
    if (last !== undefined && last.life === peer.life && last.node === peer.node) return last.of.count
    return this.#nodes.get(keyOf(peer))?.count ?? 0
  }

  lost(peer: LostPeer, reason: (pid: Pid) => ExitReason): void {
    const edges = this.#nodes.get(keyOf(peer))
    if (edges === undefined) return
    const lost = [...edges.threads.values()].filter(({ thread }) => peer.thread === undefined || thread === peer.thread)
    for (const ended of lost) this.#close(ended)
    for (const { holders, lone } of lost) {
      const all: EdgeHolder[] = lone.splice(0)
      for (const [, holder] of holders.entries()) all.push(holder)
      all.sort((one, other) => one.pid.serial - other.pid.serial)
      for (const holder of all) holder.peerLost(peer, reason)
    }
  }

  #find(target: Pid): ThreadEdges | undefined {
    const last = this.#last
    if (last !== undefined && last.thread === target.thread && last.life === target.life && last.node === target.node) {
      return last
    }
    const found = this.#nodes.get(keyOf(target))?.threads.get(target.thread)
    if (found !== undefined) this.#remember(found)
    return found
  }

  #open({ node, life, thread }: Pid): ThreadEdges {
    const key = keyOf({ node, life })
    const of = this.#nodes.get(key) ?? { node, life, threads: new Map<number, ThreadEdges>(), count: 0 }
    this.#nodes.set(key, of)
    const edges: ThreadEdges = { of, node, life, thread, holders: new SerialTable(), lone: [], more: new Map() }
    of.threads.set(thread, edges)
    this.#remember(edges)
    return edges
  }

  #remember(edges: ThreadEdges): void {
    const before = this.#last
    this.#last = edges
    if (before !== undefined && isEmpty(before)) this.#close(before)
  }

  #close(edges: ThreadEdges): void {
    const { of } = edges
    if (of.threads.get(edges.thread) === edges) {
      of.threads.delete(edges.thread)
      of.count -= countIn(edges)
    }
    const key = keyOf(of)
    if (of.threads.size === 0 && this.#nodes.get(key) === of) this.#nodes.delete(key)
    if (this.#last === edges) this.#last = undefined
  }
}

function isEmpty({ holders, lone }: ThreadEdges): boolean {
  return holders.size === 0 && lone.length === 0
}

function countIn({ holders, lone, more }: ThreadEdges): number {
  let count = holders.size + lone.length
  for (const extra of more.values()) count += extra
  return count
}

function keyOf(peer: { node: NodeId; life: number }): string {
  return `${peer.node}/${peer.life}`
}
