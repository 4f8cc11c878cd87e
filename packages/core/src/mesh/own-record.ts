import { type NodeRecord, type SealedRecord, sealRecord } from './node-record.ts'
import type { NodeId, Transport } from './transport.ts'

/** What can change in what a node says of itself while it lives. */
export type OwnNews = Partial<Omit<NodeRecord, 'node' | 'life' | 'version' | 'region' | 'addresses'>>

/**
 * What this node says of itself, each time with a higher version than ever before, so that others believe the newest.
 *
 * @example
 * const own = new OwnRecord(record, transport)
 * own.outbid(versionThatSomebodyBelieves)
 * spread(own.say({ state: 'draining' }).sealed)
 */
export class OwnRecord {
  readonly node: NodeId
  readonly #transport: Pick<Transport, 'sign'>
  #record: NodeRecord

  constructor(record: NodeRecord, transport: Pick<Transport, 'sign'>) {
    this.node = record.node
    this.#record = record
    this.#transport = transport
  }

  /** As it was said last. */
  get record(): NodeRecord {
    return this.#record
  }

  /** The same, sealed. */
  seal(): SealedRecord {
    return { record: this.#record, sealed: sealRecord(this.#record, this.#transport) }
  }

  /** Says this of the node from now on; nothing new is said in a higher version too. */
  say(news: OwnNews): SealedRecord {
    this.#record = { ...this.#record, ...news, version: this.#record.version + 1 }
    return this.seal()
  }

  /** Says this with the next word. */
  note(news: OwnNews): void {
    this.#record = { ...this.#record, ...news }
  }

  /** What is said next is above this version. */
  outbid(version: number): void {
    if (version > this.#record.version) this.#record = { ...this.#record, version }
  }
}
