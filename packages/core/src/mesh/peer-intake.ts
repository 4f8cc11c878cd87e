import { RingQueue } from '../base/ring-queue.ts'
import { type MeshReading, readMeshMessage } from './mesh-message.ts'
import type { NodeId } from './transport.ts'

/** What one peer may have waiting: messages, and bytes with what keeping a message takes beside its own. */
const peerMessagesMax = 1_024
const peerBytesMax = 4 * 1024 * 1024
/** What may wait of all of them. Beyond it a peer may have its equal part of as much again. */
const bytesMax = 16 * 1024 * 1024
const messageOverheadBytes = 256

/** Something that a peer told the mesh actor. `undefined`: it can not be read. */
export interface Heard {
  readonly via: NodeId
  readonly message: MeshReading | undefined
}

interface PeerQueue {
  readonly payloads: RingQueue<Uint8Array>
  bytes: number
  /** What is read in pieces, and is not over. */
  reading: MeshReading | undefined
  readingBytes: number
}

export interface PeerIntakeOptions {
  /** Something waits, and nothing did before: read it. */
  readonly wake: () => void
  /** A message was dropped, as there was no room for it. */
  readonly dropped: () => void
}

/**
 * What peers told the mesh actor and it has not read yet: apart from its mailbox, so that no peer can crowd out what the node itself has
 * to say, and a queue for each, which are read in turn, so that none can crowd out another. Bounded as the constants above say, at twice
 * `bytesMax` in all; what has no room is dropped: the next comparison makes up for it.
 *
 * @example
 * const intake = new PeerIntake({ wake: () => tell({ event: 'read' }), dropped: () => (counters.meshDrops += 1) })
 * intake.put(peer.node, payload)
 * const heard = intake.next()
 */
export class PeerIntake {
  readonly #options: PeerIntakeOptions
  /** Those that have something waiting; the first is the next. */
  readonly #queues = new Map<NodeId, PeerQueue>()
  #bytes = 0
  /** Whose turn it was last: how far it was read shows only now. */
  #last: { readonly via: NodeId; readonly queue: PeerQueue } | undefined
  #isWoken = false

  constructor(options: PeerIntakeOptions) {
    this.#options = options
  }

  put(via: NodeId, payload: Uint8Array): void {
    const queue = this.#queueOf(via)
    const bytes = payload.byteLength + messageOverheadBytes
    if (!this.#hasRoom(queue, bytes)) {
      this.#options.dropped()
      return
    }
    this.#queues.set(via, queue)
    queue.payloads.push(ownBytes(payload))
    queue.bytes += bytes
    this.#bytes += bytes
    if (this.#isWoken) return
    this.#isWoken = true
    this.#options.wake()
  }

  /** The next peer's message, or a further piece of it, if anything waits. What was taken of the one before is not given again. */
  next(): Heard | undefined {
    this.#putBack()
    const [next] = this.#queues
    if (next === undefined) return undefined
    const [via, queue] = next
    this.#queues.delete(via)
    this.#last = { via, queue }
    if (queue.reading === undefined) {
      const payload = queue.payloads.shift() as Uint8Array
      queue.readingBytes = payload.byteLength + messageOverheadBytes
      queue.reading = readMeshMessage(payload)
    }
    return { via, message: queue.reading }
  }

  /** Whether nothing waits. Then the next `put` wakes its reader again. */
  rests(): boolean {
    this.#putBack()
    this.#isWoken = this.#queues.size > 0
    return !this.#isWoken
  }

  #queueOf(via: NodeId): PeerQueue {
    if (this.#last?.via === via) return this.#last.queue
    return (
      this.#queues.get(via) ?? { payloads: new RingQueue<Uint8Array>(), bytes: 0, reading: undefined, readingBytes: 0 }
    )
  }

  #hasRoom(queue: PeerQueue, bytes: number): boolean {
    if (queue.payloads.length >= peerMessagesMax || queue.bytes + bytes > peerBytesMax) return false
    return this.#bytes + bytes <= bytesMax || queue.bytes + bytes <= bytesMax / (this.#queues.size + 1)
  }

  #putBack(): void {
    if (this.#last === undefined) return
    const { via, queue } = this.#last
    this.#last = undefined
    if (!isUnread(queue.reading)) {
      queue.reading = undefined
      queue.bytes -= queue.readingBytes
      this.#bytes -= queue.readingBytes
      queue.readingBytes = 0
    }
    // Behind the others.
    this.#queues.delete(via)
    if (queue.reading !== undefined || queue.payloads.length > 0) this.#queues.set(via, queue)
  }
}

function isUnread(message: MeshReading | undefined): boolean {
  return message !== undefined && message.kind !== 'digest' && message.sealed.left > 0
}

/** A small part of a large buffer would keep all of it. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.byteLength * 2 ? bytes.slice() : bytes
}
