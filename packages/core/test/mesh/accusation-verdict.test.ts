import { expect, it } from 'vitest'
import { type Accusation, sealAccusation, versionsAheadMax } from '../../src/mesh/accusation.ts'
import { type AccusationGrounds, judgeAccusation } from '../../src/mesh/accusation-verdict.ts'

const other = { subject: 'b', life: 1, version: 7, accuser: 'c' }
const ours = { ...other, subject: 'me' }

it('one of another node is worth what the detector says, if its accuser signed it', () => {
  expect(judged(other)).toEqual({ verdict: 'counts', claim: other })
  expect(judged(other, { worth: () => 'passes' })).toEqual({ verdict: 'passes', claim: other })
  expect(judged(other, { isSigned: () => false })).toEqual({ verdict: 'not-authentic', claim: other })
})

it('no signature is checked for one that says nothing new, nor for a peer that handed on too many', () => {
  const isSigned = (): never => {
    throw new Error('it was checked')
  }
  expect(judged(other, { worth: () => 'old', isSigned })).toEqual({ verdict: 'nothing' })
  expect(judged(other, { worth: () => 'refuted', isSigned })).toEqual({ verdict: 'answer', claim: other })
  expect(judged(other, { mayCheck: () => false, isSigned })).toEqual({ verdict: 'too-often', claim: other })
})

it('one of ourselves is refuted, unless it is of no record that we could have made', () => {
  const versions = [4, 5, 5 + versionsAheadMax, 6 + versionsAheadMax]
  const verdicts = versions.map((version) => judged({ ...ours, version }).verdict)
  expect(verdicts).toEqual(['nothing', 'refute', 'refute', 'nothing'])
  expect(judged(ours, { isSigned: () => false })).toEqual({ verdict: 'nothing' })
})

it('what is none is malformed', () => {
  expect(judgeAccusation(Uint8Array.of(9), grounds())).toEqual({ verdict: 'malformed', claim: undefined })
})

function judged(claim: Accusation, changed: Partial<AccusationGrounds> = {}) {
  return judgeAccusation(sealAccusation(claim, { sign: () => Uint8Array.of(1) }), { ...grounds(), ...changed })
}

function grounds(): AccusationGrounds {
  return {
    own: () => ({ node: 'me', version: 5 }),
    worth: () => 'counts',
    mayCheck: () => true,
    isSigned: () => true,
  }
}
