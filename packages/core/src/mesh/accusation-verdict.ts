import { type Accusation, peekAccusation, versionsAheadMax } from './accusation.ts'
import type { NodeId } from './transport.ts'

/**
 * What is done about an accusation that a peer handed on.
 *
 * `refute`: it is of ourselves, and would be believed. `counts`: its subject is suspected by one accuser more. `passes`: it is only handed on.
 * `answer`: whoever handed it on has missed a newer record, which refutes it. `nothing`: it says nothing new.
 * The others are dropped and counted: `malformed`, `not-authentic`, and `too-often`, of a peer that hands on more than may be checked.
 */
export type AccusationVerdict =
  | { readonly verdict: 'refute' | 'counts' | 'passes' | 'answer'; readonly claim: Accusation }
  | { readonly verdict: 'nothing' }
  | DroppedAccusation

export interface DroppedAccusation {
  readonly verdict: 'malformed' | 'not-authentic' | 'too-often'
  /** What it claims to be; `undefined` for a malformed one. */
  readonly claim: Accusation | undefined
}

/** What an accusation is judged by. */
export interface AccusationGrounds {
  /** This node's record as said last. */
  readonly own: () => { readonly node: NodeId; readonly version: number }
  /** As {@link FailureDetector.worth}. */
  readonly worth: (claim: Accusation) => 'counts' | 'passes' | 'refuted' | 'old'
  /** Takes one of the checks of signatures that the peer may cause; `false`: there is none left. */
  readonly mayCheck: () => boolean
  /** Whether its accuser signed it. The dear part, and so the last one. */
  readonly isSigned: (sealed: Uint8Array) => boolean
}

export function judgeAccusation(
  sealed: Uint8Array,
  { own, worth, mayCheck, isSigned }: AccusationGrounds,
): AccusationVerdict {
  const claim = peekAccusation(sealed)
  if (claim === undefined) return { verdict: 'malformed', claim }
  const { node, version } = own()
  if (claim.subject === node) {
    // One that is far ahead is of no record of ours, and going beyond it would use up the numbers.
    if (claim.version < version || claim.version > version + versionsAheadMax) return nothing
    return isSigned(sealed) ? { verdict: 'refute', claim } : nothing
  }
  const its = worth(claim)
  if (its === 'refuted') return { verdict: 'answer', claim }
  if (its === 'old') return nothing
  if (!mayCheck()) return { verdict: 'too-often', claim }
  return { verdict: isSigned(sealed) ? its : 'not-authentic', claim }
}

const nothing: AccusationVerdict = { verdict: 'nothing' }
