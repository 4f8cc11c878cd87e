import type { ExitReason } from './exit-reason.ts'
import type { NodeId, Pid } from './pid.ts'

/** Something with an address of its own that holds links, monitors or calls to other threads or nodes. */
export interface EdgeHolder {
  /** The other side is gone: every link, monitor and call toward it fires now. */
  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void
}

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

/** Who on this thread holds something toward which other thread or node, so that a loss asks only those concerned. */
export class Edges {
  /** By node and life, then by thread: the holders, and how many edges each has to there. */
  readonly #holders = new Map<string, Map<number, Map<EdgeHolder, number>>>()

  /** How many holders there are, over all threads and nodes. */
  get size(): number {
    let size = 0
    for (const threads of this.#holders.values()) for (const holders of threads.values()) size += holders.size
    return size
  }

  add(target: Pid, holder: EdgeHolder): void {
    const nodeKey = keyOf(target)
    let threads = this.#holders.get(nodeKey)
    if (threads === undefined) {
      threads = new Map()
      this.#holders.set(nodeKey, threads)
    }
    const holders = threads.get(target.thread)
    if (holders === undefined) threads.set(target.thread, new Map([[holder, 1]]))
    else holders.set(holder, (holders.get(holder) ?? 0) + 1)
  }

  /** Takes back one `add`. */
  remove(target: Pid, holder: EdgeHolder): void {
    const nodeKey = keyOf(target)
    const threads = this.#holders.get(nodeKey)
    const holders = threads?.get(target.thread)
    if (threads === undefined || holders === undefined) return
    const left = (holders.get(holder) ?? 0) - 1
    if (left > 0) holders.set(holder, left)
    else holders.delete(holder)
    if (holders.size === 0) threads.delete(target.thread)
    if (threads.size === 0) this.#holders.delete(nodeKey)
  }

  lost(peer: LostPeer, reason: (pid: Pid) => ExitReason): void {
    const nodeKey = keyOf(peer)
    const threads = this.#holders.get(nodeKey)
    if (threads === undefined) return
    const lostHolders = peer.thread === undefined ? [...threads.values()] : [threads.get(peer.thread)]
    if (peer.thread === undefined) this.#holders.delete(nodeKey)
    else threads.delete(peer.thread)
    for (const holders of lostHolders) for (const holder of holders?.keys() ?? []) holder.peerLost(peer, reason)
  }
}

function keyOf(peer: { node: NodeId; life: number }): string {
  return `${peer.node}/${peer.life}`
}
