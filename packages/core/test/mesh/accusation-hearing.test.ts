import { expect, it } from 'vitest'
import { type Accusation, sealAccusation } from '../../src/mesh/accusation.ts'
import { type HearingGrounds, hearAccusations } from '../../src/mesh/accusation-hearing.ts'
import { accusationGrounds } from '../fixtures/accusation-grounds.ts'

const nothing = { isSuspicionNew: false, handOn: [], answer: new Set(), refute: undefined, dropped: [] }

it('of a message without any nothing follows', () => {
  expect(hear([])).toEqual(nothing)
})

it('what counts is noted and handed on, what only passes is noted as that, and the order stays', () => {
  const [first, second, third] = [of('b', 'x'), of('c', 'x'), of('d', 'x')]
  const noted: string[] = []
  const heard = hear([first, second, third], {
    worth: ({ subject }) => (subject === 'c' ? 'passes' : 'counts'),
    accused: ({ subject }, sealed) => noted.push(`${subject} accused ${sealed.byteLength > 0}`),
    passed: ({ subject }) => noted.push(`${subject} passed`),
  })
  expect(heard).toEqual({ ...nothing, isSuspicionNew: true, handOn: [first, second, third].map(seal) })
  expect(noted).toEqual(['b accused true', 'c passed', 'd accused true'])
})

it('what only passes makes no suspicion new', () => {
  expect(hear([of('b', 'x')], { worth: () => 'passes' })).toMatchObject({
    isSuspicionNew: false,
    handOn: [seal(of('b', 'x'))],
  })
})

it('each is judged by what those before it in the message changed', () => {
  const accused = new Set<string>()
  const heard = hear([of('b', 'x'), of('b', 'x'), of('b', 'y')], {
    worth: ({ accuser }) => (accused.has(accuser) ? 'old' : 'counts'),
    accused: ({ accuser }) => void accused.add(accuser),
  })
  expect(heard.handOn).toEqual([seal(of('b', 'x')), seal(of('b', 'y'))])
})

it('a peer that missed newer records is answered once for each subject, and nothing of it is handed on', () => {
  const heard = hear([of('b', 'x'), of('b', 'y'), of('c', 'x')], { worth: () => 'refuted' })
  expect(heard).toEqual({ ...nothing, answer: new Set(['b', 'c']) })
})

it('of those of ourselves the highest is to be refuted, and none is handed on', () => {
  const ours = [of('me', 'x', 5), of('me', 'y', 9), of('me', 'z', 7)]
  expect(hear(ours)).toEqual({ ...nothing, refute: of('me', 'y', 9) })
})

it('what was dropped is told in the order in which it came, those of ourselves last', () => {
  const [forged, ours, dear] = [of('b', 'forger'), of('me', 'forger'), of('c', 'talker')]
  const heard = hear([ours, forged, dear], {
    isSigned: (sealed) => !Buffer.from(sealed).includes('forger'),
    mayAccuse: (accuser) => accuser !== 'talker',
  })
  expect(heard).toEqual({
    ...nothing,
    dropped: [
      { verdict: 'not-authentic', claim: forged },
      { verdict: 'too-often', claim: dear },
      { verdict: 'not-authentic', claim: ours },
    ],
  })
  expect(hearAccusations([Uint8Array.of(0xc1)], grounds()).dropped).toEqual([
    { verdict: 'malformed', claim: undefined },
  ])
})

function of(subject: string, accuser: string, version = 7): Accusation {
  return { subject, life: 1, version, accuser }
}

function seal(accusation: Accusation): Uint8Array {
  return sealAccusation(accusation, { sign: () => Uint8Array.of(1) })
}

function hear(accusations: readonly Accusation[], changed: Partial<HearingGrounds> = {}) {
  return hearAccusations(accusations.map(seal), { ...grounds(), ...changed })
}

function grounds(): HearingGrounds {
  return { ...accusationGrounds(), accused: () => undefined, passed: () => undefined }
}
