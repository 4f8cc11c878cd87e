import { describe, expect, it } from 'vitest'
import { type Accusation, sealAccusation, versionsAheadMax } from '../../src/mesh/accusation.ts'
import { type AccusationGrounds, judgeAccusation, toRefute } from '../../src/mesh/accusation-verdict.ts'
import { accusationGrounds } from '../fixtures/accusation-grounds.ts'

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

it('one of ourselves is to be refuted, unless that is done already, or it is of no record that we could have made', () => {
  const versions = [4, 5, 5 + versionsAheadMax, 6 + versionsAheadMax]
  const verdicts = versions.map((version) => judged({ ...ours, version }).verdict)
  expect(verdicts).toEqual(['nothing', 'ofUs', 'ofUs', 'nothing'])
})

it('of an accuser who accuses more than may be passed on nothing is, if it was he', () => {
  const mayAccuse = (): boolean => false
  expect(judged(other, { mayAccuse })).toEqual({ verdict: 'too-often', claim: other })
  const forged = { isSigned: () => false, mayAccuse: () => expect.unreachable() }
  expect(judged(other, forged)).toEqual({ verdict: 'not-authentic', claim: other })
})

describe('of many accusations of ourselves', () => {
  const many = Array.from({ length: 100 }, (_, at) => ({
    claim: { ...ours, version: 5 + ((at * 7) % 100) },
    sealed: Uint8Array.of(5 + ((at * 7) % 100)),
  }))

  it('the highest is checked and refuted, and no other', () => {
    const checked: number[] = []
    const isSigned = (sealed: Uint8Array): boolean => checked.push(sealed[0] as number) > 0
    expect(toRefute(many, { mayCheck: () => true, isSigned })).toEqual({
      refute: { ...ours, version: 104 },
      dropped: [],
    })
    expect(checked).toEqual([104])
  })

  it('few are checked where they are forged, and none beyond what the peer may have checked', () => {
    let checks = 0
    const isSigned = (): boolean => {
      checks += 1
      return false
    }
    const all = toRefute(many, { mayCheck: () => true, isSigned })
    expect([all.refute, checks]).toEqual([undefined, 8])
    expect(verdictsOf(all.dropped)).toEqual({ 'not-authentic': 8, 'too-often': 92 })
    expect(verdictsOf(toRefute(many, { mayCheck: () => false, isSigned }).dropped)).toEqual({ 'too-often': 100 })
    expect(checks).toBe(8)
  })
})

function verdictsOf(dropped: readonly { verdict: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { verdict } of dropped) counts[verdict] = (counts[verdict] ?? 0) + 1
  return counts
}

it('what is none is malformed', () => {
  expect(judgeAccusation(Uint8Array.of(9), accusationGrounds())).toEqual({ verdict: 'malformed', claim: undefined })
})

function judged(claim: Accusation, changed: Partial<AccusationGrounds> = {}) {
  return judgeAccusation(sealAccusation(claim, { sign: () => Uint8Array.of(1) }), {
    ...accusationGrounds(),
    ...changed,
  })
}
