import { expect, it } from 'vitest'
import { sealAccusation } from '../../src/mesh/accusation.ts'
import { OwnRecord } from '../../src/mesh/own-record.ts'
import { RecordOpener } from '../../src/mesh/record-opener.ts'
import { checksRate, forgedCost, newsRate } from '../../src/mesh/record-rate.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const genuine = { verify: () => true }

it('a record that its author did not sign, or in which it claims a region that is not its own, is not believed', () => {
  expect(new RecordOpener(genuine, 10).open(sealed('a'))).toMatchObject({ node: 'a' })
  expect(new RecordOpener({ verify: () => false }, 10).open(sealed('a'))).toBeUndefined()
  expect(new RecordOpener({ ...genuine, regionsOf: () => ['syd'] }, 10).open(sealed('a'))).toBe('wrong-region')
  expect(new RecordOpener({ ...genuine, regionsOf: () => ['fra'] }, 10).open(sealed('a'))).toMatchObject({ node: 'a' })
})

it('an author has news so often, by whomever it comes, and one that is known already is bound by nothing', () => {
  const opener = new RecordOpener(genuine, 10)
  for (let at = 0; at < newsRate.burst; at += 1) opener.openFrom(`via${at % 3}`, sealed('a'), 0)
  expect(opener.openFrom('via', sealed('a'), 0)).toBe('too-often')
  expect(opener.openFrom('via', sealed('b'), 0)).toMatchObject({ node: 'b' })
  expect(opener.openFrom('via', sealed('a'), 1_000)).toMatchObject({ node: 'a' })
  expect(opener.open(sealed('a'))).toMatchObject({ node: 'a' })
})

it('a peer has so many signatures checked', () => {
  const opener = new RecordOpener(genuine, 10)
  for (let at = 0; at < checksRate.burst; at += 1) opener.mayCheck('flood', 0)
  expect(opener.openFrom('flood', sealed('a'), 0)).toBe('too-often')
  expect(opener.openFrom('other', sealed('a'), 0)).toMatchObject({ node: 'a' })
})

it('of a peer that hands on forged ones few are checked', () => {
  let checks = 0
  const opener = new RecordOpener({ verify: () => (checks += 1) < 0 }, 10)
  for (let at = 0; at < 10_000; at += 1) opener.openFrom('forger', sealed('a'), 0)
  expect(checks).toBe(checksRate.burst / forgedCost)
  expect(opener.openFrom('forger', sealed('a'), 60_000)).toBeUndefined()
})

it('a forged accusation costs the peer that handed it on as much, and a signed one no more than its check', () => {
  const accusation = sealAccusation(
    { subject: 'a', life: 1, version: 1, accuser: 'b' },
    { sign: () => Uint8Array.of(1) },
  )
  const checksLeft = (verify: () => boolean): number => {
    const opener = new RecordOpener({ verify }, 10)
    let checks = 0
    for (; opener.mayCheck('via', 0); checks += 1) opener.isSignedFrom('via', accusation, 0)
    return checks
  }
  expect(checksLeft(() => false)).toBe(checksRate.burst / forgedCost)
  expect(checksLeft(() => true)).toBe(checksRate.burst)
})

function sealed(node: string): Uint8Array {
  return new OwnRecord(nodeRecord(node, { region: 'fra' }), { sign: () => Uint8Array.of(1) }).seal().sealed
}
