import type { MeshSender } from './mesh-sender.ts'
import type { MeshShape } from './neighbours.ts'
import { differences, type RecordDigest, VouchedRecords } from './record-digest.ts'
import type { NodeId } from './transport.ts'

/** A large mesh answers a digest with all that a newcomer lacks: for so long it asks nobody else, in milliseconds. */
const askAgainMs = 500

/**
 * Compares what this node vouches for with what its peers do, by digests: what heals lost news. Each side sends the records in which
 * they differ.
 *
 * @example
 * comparison.vouched.set(node, sealedRecord)
 * comparison.withNext(neighbours)
 * comparison.heard(peer, itsDigest, { isAnswer: false, shape, now })
 */
export class RecordComparison {
  readonly vouched: VouchedRecords = new VouchedRecords()
  readonly #sender: ComparisonSender
  readonly #snapshot: () => Iterable<Uint8Array>
  /** When a peer was asked last for what we lack. */
  #lackAskedAt = -Infinity
  /** How often this node compared with a neighbour. */
  #compared = 0

  /** `snapshot`: all that is vouched for, sealed. */
  constructor(sender: ComparisonSender, snapshot: () => Iterable<Uint8Array>) {
    this.#sender = sender
    this.#snapshot = snapshot
  }

  /** Sends all that is vouched for. */
  tellAll(nodes: readonly NodeId[]): void {
    this.#sender.sendSealed(nodes, 'records', this.#snapshot())
  }

  /** The same to a peer that just came, as far as it may be answered: one that comes and goes is not told all each time. */
  introduceTo(node: NodeId): void {
    this.#sender.answer(node, 'records', this.#snapshot())
  }

  /** With a peer of an older version by telling it all. */
  with(node: NodeId, isAnswer = false): void {
    if (this.#sender.readsDigests(node)) this.#sender.sendDigest(node, this.vouched.digest, isAnswer)
    else this.tellAll([node])
  }

  /** With one neighbour after the other, so that what a node missed while links came and went it has from somebody a while later. */
  withNext(neighbours: Iterable<NodeId>): void {
    const able = [...neighbours].filter((node) => this.#sender.readsDigests(node))
    const next = able[this.#compared % able.length]
    this.#compared += 1
    if (next !== undefined) this.with(next)
  }

  /** Lets it send what it has and we do not. In a sparse mesh not many at once, of whom each would send the same: `withNext` asks anyhow. */
  askForLack(node: NodeId, { isAnswer, shape, now }: AskForLack): void {
    if (shape === 'sparse' && now - this.#lackAskedAt < askAgainMs) return
    this.#lackAskedAt = now
    this.with(node, isAnswer)
  }

  /** What a peer vouches for: it is sent what it does not have and, unless it answers us, asked for what we do not have. */
  heard(via: NodeId, theirs: RecordDigest, { isAnswer, shape, now }: AskForLack): void {
    const parts = differences(this.vouched.digest, theirs)
    if (parts.size === 0) return
    this.#sender.answer(via, 'records', this.vouched.in(parts))
    if (!isAnswer) this.askForLack(via, { isAnswer: true, shape, now })
  }
}

type ComparisonSender = Pick<MeshSender, 'readsDigests' | 'sendDigest' | 'sendSealed' | 'answer'>

interface AskForLack {
  /** Whether the digest answers one. */
  readonly isAnswer: boolean
  readonly shape: MeshShape
  readonly now: number
}
