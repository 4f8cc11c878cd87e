import { formatPid, type NodeId } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'
import { RingQueue } from '../base/ring-queue.ts'
import { BlockSlice } from './block-slice.ts'
import type { SplitMessage } from './split-message.ts'

/** A signal and the bytes that it was made into. */
export interface ParkedSignal {
  readonly signal: Signal
  readonly message: BlockSlice | SplitMessage
}

/** What is parked for one peer, in the order in which it was sent. */
interface PeerQueue {
  readonly queue: RingQueue<ParkedSignal>
  bytes: number
  /** How many of it are for each address. */
  readonly targets: Map<string, number>
}

// What a parked signal costs beside its bytes.
const overheadBytes = 256

/**
 * Items of streams that found the way to their node full, until there is room again: so a stream is slowed down by its way as it is by its
 * reader, and does not end for it. What is sent to the same address behind one waits behind it. How much may be
 * under way is the reader's credit to say; together the items for one peer have at most `bytesMax` here, and with all that waits behind
 * them, which a peer that reads nothing can call forth without end, twice that.
 */
export class ParkedSignals {
  readonly #bytesMax: number
  readonly #peers = new Map<NodeId, PeerQueue>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Whether a signal has to wait behind one that is parked. Costs nothing as long as nothing is. */
  isBehind(signal: Signal): boolean {
    if (this.#peers.size === 0) return false
    return this.#peers.get(signal.to.node)?.targets.has(formatPid(signal.to)) === true
  }

  /** `false`: as much is parked for that peer as may be: of items, or of all. */
  park(parked: ParkedSignal): boolean {
    const { to, type } = parked.signal
    let peer = this.#peers.get(to.node)
    const bytes = costOf(parked)
    const bytesMax = type === 'item' ? this.#bytesMax : this.#bytesMax * 2
    if ((peer?.bytes ?? 0) + bytes > bytesMax) return false
    if (peer === undefined) {
      peer = { queue: new RingQueue(16), bytes: 0, targets: new Map() }
      this.#peers.set(to.node, peer)
    }
    const { signal, message } = parked
    peer.queue.push(message instanceof BlockSlice ? { signal, message: message.alone() } : parked)
    peer.bytes += bytes
    const target = formatPid(to)
    peer.targets.set(target, (peer.targets.get(target) ?? 0) + 1)
    return true
  }

  /** There may be room: hands on what is parked, in order, while `send` takes it. */
  resume(node: NodeId, send: (parked: ParkedSignal) => boolean): void {
    for (let peer = this.#peers.get(node); peer !== undefined; peer = this.#peers.get(node)) {
      const first = peer.queue.first as ParkedSignal
      if (!send(first)) return
      // Sending it may have ended the link, and dropped all.
      if (this.#peers.get(node) !== peer) return
      this.#takeFirst(node, peer)
    }
  }

  /** The link is over: says how many signals are lost with it. */
  drop(node: NodeId): number {
    const lost = this.#peers.get(node)?.queue.length ?? 0
    this.#peers.delete(node)
    return lost
  }

  #takeFirst(node: NodeId, peer: PeerQueue): void {
    const first = peer.queue.shift() as ParkedSignal
    peer.bytes -= costOf(first)
    const target = formatPid(first.signal.to)
    const left = (peer.targets.get(target) as number) - 1
    if (left === 0) peer.targets.delete(target)
    else peer.targets.set(target, left)
    if (peer.queue.length === 0) this.#peers.delete(node)
  }
}

function costOf({ message }: ParkedSignal): number {
  return message.byteLength + overheadBytes
}
