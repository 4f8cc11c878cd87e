import { type Accusation, peekAccusation, versionsAheadMax } from './accusation.ts'
import type { NodeId } from './transport.ts'

/**
 * What is done about an accusation that a peer handed on.
 *
 * `ofUs`: it is of ourselves, and would be believed if it were signed: see {@link toRefute}. `counts`: its subject is suspected
 * by one accuser more. `passes`: it is only handed on. `answer`: whoever handed it on has missed a newer record, which refutes it. `nothing`: it says nothing new.
 * The others are dropped and counted: `malformed`, `not-authentic`, and `too-often`, of a peer that hands on more than may be checked, or an
 * accuser that accuses more than may be passed on.
 */
export type AccusationVerdict =
  | { readonly verdict: 'ofUs' | 'counts' | 'passes' | 'answer'; readonly claim: Accusation }
  | { readonly verdict: 'nothing' }
  | DroppedAccusation

export interface DroppedAccusation {
  readonly verdict: 'malformed' | 'not-authentic' | 'too-often'
  /** What it claims to be; `undefined` for a malformed one. */
  readonly claim: Accusation | undefined
}

/** What an accusation is judged by. */
export interface AccusationGrounds {
  /** This node: an accusation up to the version `answered` is, or soon will be, refuted; `said` is that of its record as said last. */
  readonly own: () => { readonly node: NodeId; readonly answered: number; readonly said: number }
  /** As {@link FailureDetector.worth}. */
  readonly worth: (claim: Accusation) => 'counts' | 'passes' | 'refuted' | 'old'
  /** Takes one of the checks of signatures that the peer may cause; `false`: there is none left. */
  readonly mayCheck: () => boolean
  /** Takes one of those that the accuser may have heard; `false`: there is none left. Only asked for one that it signed. */
  readonly mayAccuse: (accuser: NodeId) => boolean
  /** Whether its accuser signed it. The dear part, and so the last one. */
  readonly isSigned: (sealed: Uint8Array) => boolean
}

export function judgeAccusation(
  sealed: Uint8Array,
  { own, worth, mayCheck, mayAccuse, isSigned }: AccusationGrounds,
): AccusationVerdict {
  const claim = peekAccusation(sealed)
  if (claim === undefined) return { verdict: 'malformed', claim }
  const { node, answered, said } = own()
  if (claim.subject === node) {
    // One that is far ahead is of no record of ours, and going beyond it would use up the numbers.
    if (claim.version <= answered || claim.version > said + versionsAheadMax) return nothing
    return { verdict: 'ofUs', claim }
  }
  const its = worth(claim)
  if (its === 'refuted') return { verdict: 'answer', claim }
  if (its === 'old') return nothing
  if (!mayCheck()) return { verdict: 'too-often', claim }
  if (!isSigned(sealed)) return { verdict: 'not-authentic', claim }
  return { verdict: mayAccuse(claim.accuser) ? its : 'too-often', claim }
}

/** Of the accusations of ourselves in one message so many are checked, from the highest version on. */
const ownChecksMax = 8

/** An accusation of ourselves, not checked. */
export interface OwnAccusation {
  readonly claim: Accusation
  readonly sealed: Uint8Array
}

/**
 * Which of the accusations of ourselves in one message to refute: the highest that is signed, which refutes the others too. `dropped`:
 * those that were looked at and are forged, or could not be checked.
 */
export function toRefute(
  accusations: readonly OwnAccusation[],
  { mayCheck, isSigned }: Pick<AccusationGrounds, 'mayCheck' | 'isSigned'>,
): { readonly refute: Accusation | undefined; readonly dropped: readonly DroppedAccusation[] } {
  const dropped: DroppedAccusation[] = []
  for (const { claim, sealed } of accusations.toSorted((one, other) => other.claim.version - one.claim.version)) {
    if (dropped.length >= ownChecksMax || !mayCheck()) dropped.push({ verdict: 'too-often', claim })
    else if (isSigned(sealed)) return { refute: claim, dropped }
    else dropped.push({ verdict: 'not-authentic', claim })
  }
  return { refute: undefined, dropped }
}

const nothing: AccusationVerdict = { verdict: 'nothing' }
