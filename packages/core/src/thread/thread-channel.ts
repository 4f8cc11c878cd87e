import type { Signal } from '../actor/signal.ts'
import { cutOut, isGivenAway } from '../base/given-bytes.ts'
import { type Home, type Packed, SignalReader, type SignalSink, SignalWriter } from './signal-bytes.ts'
import type { ReadReceipt } from './thread-message.ts'

/** The messages that one side may have posted to a thread that has not read them yet. */
const unreadMax = 65_536

// A receipt rides on the next batch, since a post of its own would double the cost of a call; this many messages without
// a batch to ride on are acknowledged by themselves.
const acknowledgeAfter = 1_024

/** What is posted at a time: in order, with runs of signals packed; these alone where there is nothing else. */
export type Batch<Message> = Packed | readonly (Message | ReadReceipt | Packed)[]

/** Posts a batch. Throws when something in it can't be cloned. */
export type PostBatch<Message> = (batch: Batch<Message>, carried?: readonly unknown[]) => void

type Said = { readonly type: string }

/**
 * Collects what one side of a thread border says during a turn, to be posted as one batch behind that turn: a batch of a
 * hundred costs about as much as three single messages. Order is kept.
 *
 * The other side says what it has read, so that a thread that is stuck, or still loads its module, does not let the
 * port grow without end: beyond `unreadMax` the channel is full for messages, casts and calls. System signals always go.
 */
export class ThreadChannel<Message extends Said> {
  readonly #flushSoon: () => void
  readonly #post: PostBatch<Message>
  readonly #writer: SignalWriter
  readonly #reader: SignalReader
  /** What is said, up to what the writer holds. */
  #batch: (Message | ReadReceipt | Packed)[] = []
  /** Buffers in it that go over instead of being copied. */
  #carried: unknown[] = []
  #unread = 0
  #act: (message: never) => void = () => undefined
  readonly #sink: SignalSink = {
    signal: (signal) => {
      this.#toAcknowledge += 1
      this.#act({ type: 'signal', signal } as never)
    },
    read: (count) => {
      this.#unread -= count
    },
  }
  #toAcknowledge = 0
  #flushScheduled = false

  /** `flushSoon`: has {@link flush} called behind this turn. */
  constructor(home: Home, flushSoon: () => void, post: PostBatch<Message>) {
    this.#writer = new SignalWriter(home)
    this.#reader = new SignalReader(home)
    this.#flushSoon = flushSoon
    this.#post = post
  }

  /** Whether this signal must be refused or dropped, and counted, because the other side does not read. */
  isFullFor(signal: Signal): boolean {
    return this.#unread >= unreadMax && (signal.type === 'message' || signal.type === 'cast' || signal.type === 'call')
  }

  /** As `send` of a message of the type `signal`, which both sides of every channel know. */
  sendSignal(signal: Signal): void {
    if (this.#writer.add(signal)) {
      this.#unread += 1
      this.#scheduleFlush()
      return
    }
    const body = bodyOf(signal)
    const own = body && cutOut(body)
    if (own !== undefined && isGivenAway(own)) this.#carried.push(own.buffer)
    const sent = own === body ? signal : withBody(signal, own)
    this.send({ type: 'signal', signal: sent } as unknown as Message)
  }

  send(message: Message): void {
    this.#unread += 1
    this.#endPacked()
    this.#batch.push(message)
    this.#scheduleFlush()
  }

  /** Posts what is collected, and then this one. Throws when it can't be cloned; then only it was not sent. */
  sendNow(message: Message, carried?: readonly unknown[]): void {
    this.flush()
    this.#post([message], carried)
    this.#unread += 1
  }

  /** Takes a batch from the other side: notes what it has read, and tells it what we have. Hands on the rest, in order. */
  receive<Other extends Said>(batch: Batch<Other>, act: (message: Other) => void): void {
    if (isPacked(batch)) this.#readPacked(batch, act)
    else {
      for (const message of batch) {
        if (isPacked(message)) this.#readPacked(message, act)
        else if (isReadReceipt(message)) this.#unread -= message.count
        else {
          this.#toAcknowledge += 1
          act(message)
        }
      }
    }
    if (this.#toAcknowledge >= acknowledgeAfter) this.#scheduleFlush()
  }

  #readPacked(packed: Packed, act: (message: never) => void): void {
    this.#act = act
    this.#reader.read(packed, this.#sink)
  }

  /** Posts what is collected now. */
  flush(): void {
    this.#flushScheduled = false
    if (this.#batch.length === 0 && this.#writer.isEmpty && this.#toAcknowledge === 0) return
    if (this.#toAcknowledge > 0) this.#writer.addRead(this.#toAcknowledge)
    this.#toAcknowledge = 0
    if (this.#batch.length === 0) {
      this.#post(this.#writer.take())
      return
    }
    this.#endPacked()
    const batch = this.#batch
    const carried = this.#carried
    this.#batch = []
    if (carried.length === 0) {
      this.#post(batch)
      return
    }
    this.#carried = []
    this.#post(batch, carried)
  }

  #endPacked(): void {
    if (!this.#writer.isEmpty) this.#batch.push(this.#writer.take())
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.#flushSoon()
  }
}

/** What of a signal may be large: its bytes, as far as they are encoded. */
function bodyOf(signal: Signal): Uint8Array | undefined {
  switch (signal.type) {
    case 'item':
      return signal.item
    case 'message':
      return signal.encoded ? (signal.message as Uint8Array) : undefined
    case 'cast':
    case 'call':
      return signal.encoded ? (signal.args as Uint8Array) : undefined
    case 'reply':
      return signal.result.ok && signal.result.encoded ? (signal.result.value as Uint8Array) : undefined
    default:
      return undefined
  }
}

function withBody(signal: Signal, body: Uint8Array | undefined): Signal {
  switch (signal.type) {
    case 'item':
      return { ...signal, item: body as Uint8Array }
    case 'message':
      return { ...signal, message: body }
    case 'cast':
    case 'call':
      return { ...signal, args: body }
    case 'reply':
      return signal.result.ok ? { ...signal, result: { ...signal.result, value: body } } : signal
    default:
      return signal
  }
}

function isPacked(posted: unknown): posted is Packed {
  return typeof posted === 'string' || posted instanceof Uint8Array
}

function isReadReceipt(message: Said): message is ReadReceipt {
  return message.type === 'read'
}
