import { expect, it } from 'vitest'
import type { SealedRecord } from '../../src/mesh/node-record.ts'
import { differences, partOf, VouchedRecords } from '../../src/mesh/record-digest.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const known = (node: string, version: number): SealedRecord => ({
  record: nodeRecord(node, { version }),
  sealed: Uint8Array.of(version),
})

it('two nodes that vouch for the same have one digest, in whatever order they came to, and a newer record differs in its part', () => {
  const [one, other] = [new VouchedRecords(), new VouchedRecords()]
  for (const node of ['a', 'b', 'c']) one.set(node, known(node, 1))
  for (const node of ['c', 'a', 'b']) other.set(node, known(node, 1))
  expect(differences(one.digest, other.digest).size).toBe(0)
  one.set('b', known('b', 2))
  expect([...differences(one.digest, other.digest)]).toEqual([partOf('b')])
  expect([...one.in([partOf('b')])]).toContainEqual(Uint8Array.of(2))
  other.set('b', known('b', 2))
  expect(differences(one.digest, other.digest).size).toBe(0)
  one.set('b', undefined)
  expect([...differences(one.digest, other.digest)]).toEqual([partOf('b')])
})
