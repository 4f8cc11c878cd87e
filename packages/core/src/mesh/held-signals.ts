import type { Signal } from '../actor/signal.ts'
import type { NodeId } from './transport.ts'

/** Of one node. */
const signalsMax = 1_024
const bytesMax = 8 * 1024 * 1024
/** Nodes at a time. */
const nodesMax = 1_024

interface Held {
  readonly signals: Signal[]
  bytes: number
}

/**
 * Signals that wait, in their order, for a link to be made, or for the answer whether one may rest. At most 1,024 signals
 * with 8 MiB a node, one of any size, and of 1,024 nodes: beyond that they are not taken.
 */
export class HeldSignals {
  readonly #held = new Map<NodeId, Held>()

  /** Asked before every signal to another node. */
  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  has(node: NodeId): boolean {
    return this.#held.has(node)
  }

  /** From now on what goes to this node is held. `false`: too many nodes are waited for. */
  begin(node: NodeId): boolean {
    if (this.#held.has(node)) return true
    if (this.#held.size >= nodesMax) return false
    this.#held.set(node, { signals: [], bytes: 0 })
    return true
  }

  /** `false`: not taken. */
  hold(signal: Signal): boolean {
    const held = this.#held.get(signal.to.node)
    if (held === undefined) return false
    const bytes = bodyBytes(signal)
    const hasRoom = held.signals.length === 0 || (held.signals.length < signalsMax && held.bytes + bytes <= bytesMax)
    if (!hasRoom) return false
    held.signals.push(signal)
    held.bytes += bytes
    return true
  }

  /** Ends the wait, and gives what was held. */
  take(node: NodeId): readonly Signal[] {
    const held = this.#held.get(node)
    this.#held.delete(node)
    return held?.signals ?? []
  }
}

function bodyBytes(signal: Signal): number {
  switch (signal.type) {
    case 'message':
      return lengthOf(signal.message)
    case 'cast':
    case 'call':
      return lengthOf(signal.args)
    case 'spawn':
      return lengthOf(signal.request.input)
    case 'item':
      return signal.item.byteLength
    case 'reply':
      return signal.result.ok ? lengthOf(signal.result.value) : 0
    default:
      return 0
  }
}

function lengthOf(encoded: unknown): number {
  return encoded instanceof Uint8Array ? encoded.byteLength : 0
}
