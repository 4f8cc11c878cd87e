import type { Log } from '@skerry/core/platform'
import type { TransportHost } from '@skerry/core/transport'

/** Everything that came and was no use, by why. */
export type DropReason =
  /** For a link that we don't have, or not any more: what crosses a close. */
  | 'no-link'
  /** Not from the peer of the link, or changed on the way. */
  | 'forged'
  /** It came before. */
  | 'repeated'
  /** Not in the form that it must have. */
  | 'malformed'
  /** From a node that does not know the secret, or not from the node that it names. */
  | 'not-authentic'
  /** From a node that is none of our identities, where only those are members. */
  | 'not-admitted'
  /** More than we look at in a second. */
  | 'too-many'
  /** A record that is too large for the server's `max_payload`. */
  | 'too-large'
  /** A record of a topic that nobody here listens to. */
  | 'unheard'

/**
 * Counts what is dropped, and logs each reason at its first, second, fourth, eighth … time: what is ordinary, as details. The node is
 * told of all but that.
 */
export class Drops {
  readonly #counts = new Map<DropReason, number>()
  readonly #log: Log
  readonly #uncarried: TransportHost['uncarried']

  constructor(log: Log, uncarried: TransportHost['uncarried']) {
    this.#log = log
    this.#uncarried = uncarried
  }

  count(reason: DropReason): void {
    const count = (this.#counts.get(reason) ?? 0) + 1
    this.#counts.set(reason, count)
    if (reason !== 'no-link') this.#uncarried?.('dropped', 1)
    if (!Number.isInteger(Math.log2(count))) return
    this.#log[reason === 'no-link' ? 'debug' : 'warn']({ reason, count }, 'NATS transport: a message was dropped')
  }
}
