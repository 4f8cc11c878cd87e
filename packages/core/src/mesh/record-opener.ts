import { openAccusation } from './accusation.ts'
import type { RecordDoubt } from './membership.ts'
import { type NodeRecord, openRecord } from './node-record.ts'
import { mayClaim } from './record-claim.ts'
import { checksRate, forgedCost, newsRate, NodeRates } from './record-rate.ts'
import type { NodeId, Transport } from './transport.ts'

/** A sealed record, opened, or why it is not believed. */
export type OpenedRecord = NodeRecord | RecordDoubt | undefined

/** Opens sealed records and accusations: whose are believed, and how many a peer may have checked. */
export class RecordOpener {
  readonly #transport: Pick<Transport, 'verify' | 'regionsOf'>
  readonly #openRecord: (sealed: Uint8Array) => NodeRecord | undefined
  readonly #checks: NodeRates
  readonly #news: NodeRates

  /** `membersMax`: of so many nodes it is known what they had checked. `open`: default, decodes and checks the signature. */
  constructor(
    transport: Pick<Transport, 'verify' | 'regionsOf'>,
    membersMax: number,
    open = (sealed: Uint8Array): NodeRecord | undefined => openRecord(sealed, transport),
  ) {
    this.#transport = transport
    this.#openRecord = open
    this.#checks = new NodeRates(checksRate, membersMax)
    this.#news = new NodeRates(newsRate, membersMax)
  }

  /** One of our own knowledge. `undefined`: it is forged or malformed. */
  open(sealed: Uint8Array): OpenedRecord {
    const record = this.#openRecord(sealed)
    if (record === undefined) return undefined
    return mayClaim(record, this.#transport.regionsOf?.(record.node)) ? record : 'wrong-region'
  }

  /** One that a peer handed on, as far as it may have it checked, and its author may have news. */
  openFrom(via: NodeId, sealed: Uint8Array, now: number): OpenedRecord {
    if (!this.mayCheck(via, now)) return 'too-often'
    const record = this.open(sealed)
    if (record === undefined) this.#wasForged(via, now)
    return typeof record === 'object' && !this.#news.take(record.node, now) ? 'too-often' : record
  }

  /** Takes one of the checks of signatures that this peer may cause; `false`: there is none left. */
  mayCheck(via: NodeId, now: number): boolean {
    return this.#checks.take(via, now)
  }

  /** Whether the accuser signed this accusation, which a peer handed on. */
  isSignedFrom(via: NodeId, accusation: Uint8Array, now: number): boolean {
    const isSigned = openAccusation(accusation, this.#transport) !== undefined
    if (!isSigned) this.#wasForged(via, now)
    return isSigned
  }

  /** What was checked for this peer was signed by nobody: it may have less checked. */
  #wasForged(via: NodeId, now: number): void {
    this.#checks.charge(via, now, forgedCost - 1)
  }
}
