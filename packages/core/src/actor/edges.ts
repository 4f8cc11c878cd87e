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
  return (
    pid.node === lost.node && pid.life === lost.life && (lost.thread === undefined || pid.thread === lost.thread)
  )
}

/** Who on this thread holds something toward which other thread or node, so that a loss asks only those concerned. */
export class Edges {
  readonly #holders = new Map<string, Map<number, Set<EdgeHolder>>>()

  add(target: Pid, holder: EdgeHolder): void {
    const nodeKey = keyOf(target)
    let threads = this.#holders.get(nodeKey)
    if (threads === undefined) {
      threads = new Map()
      this.#holders.set(nodeKey, threads)
    }
    const holders = threads.get(target.thread)
    if (holders === undefined) threads.set(target.thread, new Set([holder]))
    else holders.add(holder)
  }

  /** The holder has nothing more toward that thread, or is gone. */
  remove(target: Pid, holder: EdgeHolder): void {
    const nodeKey = keyOf(target)
    const threads = this.#holders.get(nodeKey)
    const holders = threads?.get(target.thread)
    if (threads === undefined || holders === undefined) return
    holders.delete(holder)
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
    for (const holders of lostHolders) for (const holder of holders ?? []) holder.peerLost(peer, reason)
  }
}

function keyOf(peer: { node: NodeId; life: number }): string {
  return `${peer.node}/${peer.life}`
}
