import { expect, it } from 'vitest'
import { contradiction } from '../../src/mesh/contradiction.ts'

it.each([
  // isTold, hasEvidence, mayCost, hurries, says
  [false, true, true, true, 'nothing'],
  [false, false, true, true, 'nothing'],
  [true, true, true, true, 'evidence'],
  [true, true, false, false, 'evidence'],
  [true, false, true, true, 'own-word'],
  [true, false, false, false, 'nothing'],
] as const)(
  'told by a peer: %s, with evidence: %s, within what it may cost: %s; then it is dialled at once: %s, and what is said: %s',
  (isTold, hasEvidence, mayCost, hurries, says) => {
    expect(contradiction({ isTold, hasEvidence, mayCost })).toEqual({ hurries, says })
  },
)
