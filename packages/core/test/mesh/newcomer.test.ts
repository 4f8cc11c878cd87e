import { expect, it } from 'vitest'
import { isNewsToUsAlone } from '../../src/mesh/newcomer.ts'

it('what more than doubles the nodes that a newcomer knows is no news to others', () => {
  expect(isNewsToUsAlone({ ageMs: 200, knownBefore: 3, known: 900 })).toBe(true)
  expect(isNewsToUsAlone({ ageMs: 200, knownBefore: 899, known: 900 })).toBe(false)
})

it('the other side of a cut that healed is news, however large it is', () => {
  expect(isNewsToUsAlone({ ageMs: 60_000, knownBefore: 300, known: 1_000 })).toBe(false)
})
