import { expect, it } from 'vitest'
import { openAccusation, peekAccusation, sealAccusation } from '../../src/mesh/accusation.ts'
import { decodeMeshMessage, encodeDigest, encodeSealed } from '../../src/mesh/mesh-message.ts'
import type { NodeRecord, SealedRecord } from '../../src/mesh/node-record.ts'
import { differences, partOf, type RecordDigest, VouchedRecords } from '../../src/mesh/record-digest.ts'
import { constantDelays, seededRandom, World } from './peer-links-world.ts'

const world = new World({ random: seededRandom(1), delays: constantDelays(1) })
const accusation = { subject: 'b', life: 3, version: 7, accuser: 'a' }

it('an accusation is opened only when its accuser signed it', () => {
  const sealed = sealAccusation(accusation, world.transport('a'))
  expect(openAccusation(sealed, world.transport('c'))).toEqual(accusation)
  const forged = sealAccusation(accusation, world.transport('mallory'))
  expect(peekAccusation(forged)).toEqual(accusation)
  expect(openAccusation(forged, world.transport('c'))).toBeUndefined()
})

it('what is no accusation is nothing, wherever it is cut off', () => {
  const sealed = sealAccusation(accusation, world.transport('a'))
  for (let at = 0; at < sealed.byteLength; at += 1) expect(peekAccusation(sealed.subarray(0, at))).toBeUndefined()
  expect(peekAccusation(new Uint8Array(3_000))).toBeUndefined()
  expect(peekAccusation(Uint8Array.of(...sealed, 0))).toBeUndefined()
})

it('accusations and digests travel in forms of their own, which differ from records', () => {
  const sealed = sealAccusation(accusation, world.transport('a'))
  const [chunk] = encodeSealed('accusations', [sealed], 1_000).chunks as [Uint8Array]
  expect(decodeMeshMessage(chunk)).toEqual({ kind: 'accusations', accusations: [sealed] })
  const digest = digestOf([{ node: 'a', version: 1 }])
  const bytes = encodeDigest(digest, true)
  expect(decodeMeshMessage(bytes)).toEqual({ kind: 'digest', digest, isAnswer: true })
  for (let at = 0; at < bytes.byteLength; at += 1) expect(decodeMeshMessage(bytes.subarray(0, at))).toBeUndefined()
})

it('digests differ in the part of whoever is known otherwise, and in no other', () => {
  const records = Array.from({ length: 300 }, (_, at) => ({ node: `n${at}`, version: 2 ** 40 + at }))
  const digest = digestOf(records)
  expect(differences(digest, digestOf(records.toReversed()))).toEqual(new Set())
  for (const changed of [0, 17, 299]) {
    const node = `n${changed}`
    const newer = records.map((record) => (record.node === node ? { node, version: record.version + 1 } : record))
    expect(differences(digest, digestOf(newer))).toEqual(new Set([partOf(node)]))
    const gone = records.filter((record) => record.node !== node)
    expect(differences(digest, digestOf(gone))).toEqual(new Set([partOf(node)]))
  }
})

it('a digest that is kept as records change is that of the records, and knows what lies in a part', () => {
  const records = Array.from({ length: 200 }, (_, at) => ({ node: `n${at}`, version: at }))
  const kept = new VouchedRecords()
  for (const { node, version } of records) kept.set(node, sealedOf(node, version - 1))
  for (const { node, version } of records) kept.set(node, sealedOf(node, version))
  for (const { node } of records.slice(50)) kept.set(node, undefined)
  const left = records.slice(0, 50)
  expect(kept.digest).toEqual(digestOf(left))
  const parts = new Set([partOf('n3'), partOf('n44')])
  const inThem = left
    .filter(({ node }) => parts.has(partOf(node)))
    .map(({ node, version }) => sealedOf(node, version).sealed)
  expect([...kept.in(parts)].map(String).toSorted()).toEqual(inThem.map(String).toSorted())
})

function digestOf(records: readonly { readonly node: string; readonly version: number }[]): RecordDigest {
  const vouched = new VouchedRecords()
  for (const { node, version } of records) vouched.set(node, sealedOf(node, version))
  return vouched.digest
}

function sealedOf(node: string, version: number): SealedRecord {
  const record = { node, version } as NodeRecord
  return { record, sealed: new TextEncoder().encode(`${node} ${version}`) }
}
