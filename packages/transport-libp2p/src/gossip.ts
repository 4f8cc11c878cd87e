import { TransportError } from '@skerry/core'
import type { Clock, Log } from '@skerry/core/platform'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { GossipRates } from './gossip-rates.ts'
import type { GossipMessage, GossipVerdict, LineGossip } from './line.ts'

/** All records travel under this one topic of gossipsub, because its list of allowed topics is fixed when it is made. */
export const gossipWireTopic = '/skerry/gossip/1.0.0'
/** The largest gossipsub message between two nodes; it carries several records when a peer asks for missed ones. */
export const gossipRpcBytesMax: number = 1024 * 1024

const recordBytesMax = 16 * 1024
const topicBytesMax = 255

type Listener = (via: string, record: Uint8Array) => void

export interface GossipOptions {
  readonly log: Log
  readonly clock: Clock
  /**
   * A record was not taken: malformed, too large, by an author that may be forged, more than its author may say, of a topic that nobody here
   * listens to, or one of ours that could not be sent.
   */
  dropped(): void
}

/**
 * Records by topic over gossipsub. A message is the topic's length in one byte, the topic, and the record. One that is
 * not signed by an Ed25519 author, is too long or malformed is rejected here and not passed on; nor are more than an author may say.
 */
export class Gossip {
  readonly #listeners = new Map<string, Listener[]>()
  readonly #options: GossipOptions
  readonly #rates: GossipRates
  #line: LineGossip | undefined

  constructor(options: GossipOptions) {
    this.#options = options
    this.#rates = new GossipRates(options.clock)
  }

  /** Joins the mesh, also without a listener: a node passes on what others listen to. */
  start(line: LineGossip): void {
    this.#line = line
    line.start({
      verdict: (via, message) => this.#verdict(via, message),
      listensTo: (via) => this.#rates.listensTo(via),
      message: (via, data) => this.#deliver(via, data),
    })
  }

  stop(): void {
    this.#line?.stop()
    this.#line = undefined
    this.#listeners.clear()
  }

  subscribe(topic: string, on: Listener): void {
    const others = this.#listeners.get(topic)
    if (others === undefined) this.#listeners.set(topic, [on])
    else others.push(on)
  }

  publish(topic: string, record: Uint8Array): void {
    const message = encoded(topic, record)
    if (this.#line === undefined) return
    this.#line.publish(message).catch((error: unknown) => {
      this.#options.dropped()
      this.#options.log.warn({ topic, error: String(error) }, 'A record was not published')
    })
  }

  #verdict(via: string, message: GossipMessage): GossipVerdict {
    if (!isValidRecord(message)) {
      this.#options.dropped()
      this.#rates.useless(via)
      return 'reject'
    }
    if (this.#rates.take(String(message.from), via)) return 'accept'
    this.#options.dropped()
    return 'ignore'
  }

  #deliver(via: string, data: Uint8Array): void {
    const decoded = decode(data)
    if (decoded === undefined) return
    const listeners = this.#listeners.get(decoded.topic)
    if (listeners === undefined) this.#options.dropped()
    else for (const on of listeners) on(via, decoded.record)
  }
}

function encoded(topic: string, record: Uint8Array): Uint8Array {
  const topicBytes = fromString(topic, 'utf8')
  if (topicBytes.byteLength > topicBytesMax) {
    throw new TransportError(
      'ERR_FRAME_TOO_LARGE',
      `A topic of ${topicBytes.byteLength} bytes; at most ${topicBytesMax}`,
    )
  }
  if (record.byteLength > recordBytesMax) {
    throw new TransportError('ERR_FRAME_TOO_LARGE', `A record of ${record.byteLength} bytes; at most ${recordBytesMax}`)
  }
  return concat([Uint8Array.of(topicBytes.byteLength), topicBytes, record])
}

/** Whether to take a record and pass it on. gossipsub has checked the signature (StrictSign). Of RSA authors it accepts forged ones, hence the check of the type. */
export function isValidRecord(message: GossipMessage): boolean {
  return message.type === 'signed' && message.from?.type === 'Ed25519' && decode(message.data) !== undefined
}

function decode(data: Uint8Array): { topic: string; record: Uint8Array } | undefined {
  const topicBytes = data[0]
  if (topicBytes === undefined) return undefined
  const recordStart = 1 + topicBytes
  if (data.byteLength < recordStart || data.byteLength - recordStart > recordBytesMax) return undefined
  return { topic: toString(data.subarray(1, recordStart), 'utf8'), record: data.subarray(recordStart) }
}
