import type { Log } from '../platform/log.ts'
import type { Gossip } from './gossip-outbox.ts'
import { encodeDigest, encodeSealed } from './mesh-message.ts'
import type { PeerLinks } from './peer-links.ts'
import type { RecordDigest } from './record-digest.ts'
import type { NodeId } from './transport.ts'

export interface MeshSenderOptions {
  readonly links: Pick<PeerLinks, 'controlBytesMax' | 'measured' | 'sendControl'>
  /** Before that this node only listens. */
  readonly isReady: () => boolean
  readonly log: Pick<Log, 'warn'>
  /** Takes so many bytes of what that peer may be answered with; `false`: not so much is left. */
  readonly mayAnswer: (node: NodeId, bytes: number) => boolean
  /** An answer ends before its end: the peer asked for too much. */
  readonly unanswered: () => void
}

/** Sends to the mesh actors of peers what they understand. What is lost or refused comes with the next comparison. */
export class MeshSender {
  readonly #options: MeshSenderOptions

  constructor(options: MeshSenderOptions) {
    this.#options = options
  }

  /** Whether the mesh actor of that peer reads accusations and digests. */
  readsDigests(node: NodeId): boolean {
    return (this.#options.links.measured(node)?.meshVersion ?? 1) >= 2
  }

  sendSealed(nodes: readonly NodeId[], kind: Gossip, sealed: Iterable<Uint8Array>): void {
    const { isReady, links, log } = this.#options
    if (!isReady() || nodes.length === 0) return
    const { chunks, skipped } = encodeSealed(kind, sealed, links.controlBytesMax)
    if (skipped > 0) log.warn({ skipped }, 'records too large for a snapshot were left out')
    for (const node of nodes) {
      if (kind === 'accusations' && !this.readsDigests(node)) continue
      // Each link owns its bytes.
      for (const chunk of chunks) links.sendControl(node, chunk.slice())
    }
  }

  /** What a peer is sent because of what it said, as far as it may have that. */
  answer(node: NodeId, kind: Gossip, sealed: Iterable<Uint8Array>): void {
    this.sendSealed([node], kind, this.#within(node, sealed))
  }

  *#within(node: NodeId, sealed: Iterable<Uint8Array>): Iterable<Uint8Array> {
    for (const one of sealed) {
      if (!this.#options.mayAnswer(node, one.byteLength)) {
        this.#options.unanswered()
        return
      }
      yield one
    }
  }

  sendDigest(node: NodeId, digest: RecordDigest, isAnswer: boolean): void {
    const { isReady, links } = this.#options
    if (isReady()) links.sendControl(node, encodeDigest(digest, isAnswer))
  }
}
