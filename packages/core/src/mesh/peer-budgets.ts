import { accuserRate, NodeRates } from './record-rate.ts'
import type { Rate } from './token-bucket.ts'

/** Sealed records and accusations of one peer that are looked at: all of the largest mesh, four times, and half of it each second. */
const looksRate: Rate = { burst: 16_384, perSecond: 2_000 }
/** Digests of one peer that are compared: each may be answered with all that we vouch for. A lawful peer sends two a second. */
const digestsRate: Rate = { burst: 32, perSecond: 8 }
/** Words of our own, signed, that what one peer hands on calls forth, and dials at once that it leads to. */
export const wordsRate: Rate = { burst: 64, perSecond: 8 }
/** Bytes of records and accusations that one peer is sent because it asks, or seems not to know: all of a large mesh, at once. */
const answerBytesRate: Rate = { burst: 8 * 1024 * 1024, perSecond: 512 * 1024 }

/** What one peer can make the mesh actor do, beside the checks of signatures. Beyond it what it says is dropped and counted. */
export class PeerBudgets {
  readonly looks: NodeRates
  readonly digests: NodeRates
  readonly words: NodeRates
  readonly answerBytes: NodeRates
  /** By the accuser, whoever hands on its word. */
  readonly accusers: NodeRates

  /** Of `nodesMax` peers; beyond it the one that said something longest ago begins anew. */
  constructor(nodesMax: number) {
    this.looks = new NodeRates(looksRate, nodesMax)
    this.digests = new NodeRates(digestsRate, nodesMax)
    this.words = new NodeRates(wordsRate, nodesMax)
    this.answerBytes = new NodeRates(answerBytesRate, nodesMax)
    this.accusers = new NodeRates(accuserRate, nodesMax)
  }
}
