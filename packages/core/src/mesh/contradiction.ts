/**
 * What is done when somebody holds a record of a node that this one believes dead, or lost sight of. `hurries`: it may be a sign of life, so the node is
 * dialled at once. `says`: the accusations that it is believed dead by, or, where it was only lost from sight, a word of our own, which need not count: it lets the
 * node say that it is there.
 */
export interface Contradiction {
  readonly hurries: boolean
  readonly says: 'evidence' | 'own-word' | 'nothing'
}

/**
 * `isTold`: a peer said so, and is to be answered. `hasEvidence`: there are accusations. `mayCost`: the peer has not used up the words and dials that it may
 * call forth.
 */
export function contradiction(about: { isTold: boolean; hasEvidence: boolean; mayCost: boolean }): Contradiction {
  const { isTold, hasEvidence, mayCost } = about
  if (!isTold) return { hurries: true, says: 'nothing' }
  if (hasEvidence) return { hurries: mayCost, says: 'evidence' }
  return mayCost ? { hurries: true, says: 'own-word' } : { hurries: false, says: 'nothing' }
}
