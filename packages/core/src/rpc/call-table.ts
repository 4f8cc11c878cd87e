import { isLost, type LostPeer } from '../actor/edges.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import { SerialTable } from '../base/serial-table.ts'

// The empty tables of this many threads of a peer are kept, as the next call from there needs one again.
const idleThreadsMax = 64

export interface CallItem {
  readonly call: Pid
  /** It stands in, on this node, for calls that are counted elsewhere. */
  readonly isStandIn: boolean
}

/** Something by the address of a call from this or another node. Two numbers and a node's id cost less to look up than a text made of them. */
export class CallTable<T extends CallItem> {
  readonly #peers = new Map<NodeId, Peer<T>[]>()
  /** The thread asked for last: each call is looked up several times, and calls come in bursts. */
  #last: Last<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** How many there are of one life of a node, but for stand-ins. */
  countOf(call: Pick<Pid, 'node' | 'life'>): number {
    const peer = this.#peerOf(call)
    return peer === undefined ? 0 : peer.size - peer.standIns
  }

  get(call: Pid): T | undefined {
    return this.#itemsOf(call)?.get(call.serial)
  }

  /** Puts in something that is not there yet. */
  add(item: T): void {
    const { node, life, thread, serial } = item.call
    let peer = this.#peerOf(item.call)
    if (peer === undefined) {
      peer = { life, size: 0, standIns: 0, isGone: false, threads: new Map() }
      const lives = this.#peers.get(node)
      if (lives === undefined) this.#peers.set(node, [peer])
      else lives.push(peer)
    }
    let items = this.#itemsOf(item.call)
    if (items === undefined) {
      items = new SerialTable()
      peer.threads.set(thread, items)
    }
    items.set(serial, item)
    peer.size += 1
    if (item.isStandIn) peer.standIns += 1
    this.#size += 1
  }

  /** Takes it out. */
  take(call: Pid): T | undefined {
    const items = this.#itemsOf(call)
    const item = items?.get(call.serial)
    const peer = this.#last?.peer
    if (peer === undefined || items === undefined || item === undefined) return undefined
    items.delete(call.serial)
    if (item.isStandIn) peer.standIns -= 1
    if (items.size === 0 && peer.threads.size > idleThreadsMax) this.#giveUpThread(peer, call.thread)
    peer.size -= 1
    this.#size -= 1
    if (peer.isGone) this.#dropIfGone(call.node, peer)
    return item
  }

  values(): T[] {
    return [...this.#peers.values()].flat().flatMap(itemsOf)
  }

  /** Takes out those of a lost node or thread, but for what outlives it, and gives up its place when that has ended too. */
  lost(lost: LostPeer, outlives: (item: T) => boolean): T[] {
    const lives = this.#peers.get(lost.node) ?? []
    const items = lives.flatMap(itemsOf).filter((item) => isLost(item.call, lost) && !outlives(item))
    for (const { call } of items) this.take(call)
    const peer = lives.find(({ life }) => life === lost.life)
    if (peer === undefined) return items
    if (lost.thread === undefined) peer.isGone = true
    if (peer.threads.get(lost.thread ?? -1)?.size === 0) this.#giveUpThread(peer, lost.thread as number)
    this.#dropIfGone(lost.node, peer)
    return items
  }

  #giveUpThread(peer: Peer<T>, thread: number): void {
    this.#last = undefined
    peer.threads.delete(thread)
  }

  #dropIfGone(node: NodeId, peer: Peer<T>): void {
    if (!peer.isGone || peer.size > 0) return
    this.#last = undefined
    const left = (this.#peers.get(node) ?? []).filter((one) => one !== peer)
    if (left.length === 0) this.#peers.delete(node)
    else this.#peers.set(node, left)
  }

  #peerOf({ node, life }: Pick<Pid, 'node' | 'life'>): Peer<T> | undefined {
    const last = this.#last
    if (last !== undefined && last.peer.life === life && last.node === node) return last.peer
    return this.#peers.get(node)?.find((peer) => peer.life === life)
  }

  #itemsOf({ node, life, thread }: Pid): SerialTable<T> | undefined {
    const last = this.#last
    if (last !== undefined && last.thread === thread && last.peer.life === life && last.node === node) return last.items
    const peer = this.#peers.get(node)?.find((one) => one.life === life)
    const items = peer?.threads.get(thread)
    if (peer !== undefined && items !== undefined) this.#last = { node, peer, thread, items }
    return items
  }
}

interface Last<T extends CallItem> {
  readonly node: NodeId
  readonly peer: Peer<T>
  readonly thread: number
  readonly items: SerialTable<T>
}

interface Peer<T extends CallItem> {
  readonly life: number
  size: number
  standIns: number
  /** Its link was lost: its place is given up when what outlived that has ended. */
  isGone: boolean
  readonly threads: Map<number, SerialTable<T>>
}

function itemsOf<T extends CallItem>({ threads }: Peer<T>): T[] {
  return [...threads.values()].flatMap((items) => items.entries().map(([, item]) => item))
}
