import type { Signal } from '../actor/signal.ts'
import type { ReadReceipt } from './thread-message.ts'

/** The messages that one side may have posted to a thread that has not read them yet. */
const unreadMax = 65_536

// A receipt rides on the next batch, since a post of its own would double the cost of a call; this many messages without
// a batch to ride on are acknowledged by themselves.
const acknowledgeAfter = 1_024

/** Posts a batch. Throws when something in it can't be cloned. */
export type PostBatch<Message> = (batch: readonly (Message | ReadReceipt)[], carried?: readonly unknown[]) => void

/**
 * Collects what one side of a thread border says during a turn, to be posted as one batch behind that turn: a batch of a
 * hundred costs about as much as three single messages. Order is kept.
 *
 * The other side says what it has read, so that a thread that is stuck, or still loads its module, does not let the
 * port grow without end: beyond `unreadMax` the channel is full for messages, casts and calls. System signals always go.
 */
export class ThreadChannel<Message extends { readonly type: string }> {
  readonly #flushSoon: () => void
  readonly #post: PostBatch<Message>
  #batch: (Message | ReadReceipt)[] = []
  #unread = 0
  #toAcknowledge = 0
  #flushScheduled = false

  /** `flushSoon`: has {@link flush} called behind this turn. */
  constructor(flushSoon: () => void, post: PostBatch<Message>) {
    this.#flushSoon = flushSoon
    this.#post = post
  }

  /** Whether this signal must be refused or dropped, and counted, because the other side does not read. */
  isFullFor(signal: Signal): boolean {
    return this.#unread >= unreadMax && (signal.type === 'message' || signal.type === 'cast' || signal.type === 'call')
  }

  send(message: Message): void {
    this.#unread += 1
    this.#batch.push(message)
    this.#scheduleFlush()
  }

  /** Posts what is collected, and then this one. Throws when it can't be cloned; then only it was not sent. */
  sendNow(message: Message, carried?: readonly unknown[]): void {
    this.flush()
    this.#post([message], carried)
    this.#unread += 1
  }

  /** Takes a batch from the other side: notes what it has read, and tells it what we have. Gives back the rest. */
  receive<Other extends { readonly type: string }>(batch: readonly (Other | ReadReceipt)[]): readonly Other[] {
    const messages: Other[] = []
    for (const message of batch) {
      if (isReadReceipt(message)) this.#unread -= message.count
      else messages.push(message)
    }
    this.#toAcknowledge += messages.length
    if (this.#toAcknowledge >= acknowledgeAfter) this.#scheduleFlush()
    return messages
  }

  /** Posts what is collected now. */
  flush(): void {
    this.#flushScheduled = false
    const batch = this.#batch
    if (this.#toAcknowledge > 0) batch.push({ type: 'read', count: this.#toAcknowledge })
    if (batch.length === 0) return
    this.#toAcknowledge = 0
    this.#batch = []
    this.#post(batch)
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.#flushSoon()
  }
}

function isReadReceipt(message: { readonly type: string }): message is ReadReceipt {
  return message.type === 'read'
}
