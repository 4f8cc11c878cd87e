import { expect, it } from 'vitest'
import { bury } from '../../src/mesh/burial.ts'
import { createMembership, linkUp, type Membership, mergeRecord, suspect } from '../../src/mesh/membership.ts'
import type { NodeRecord, SealedRecord } from '../../src/mesh/node-record.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

it('one without a link is removed, and told of with those who said so', () => {
  const { step, buried } = bury(meshOf('a', 'b'), [dead('a')], 9)
  expect(buried).toEqual([{ node: 'a', accusers: ['x', 'y'], hasLeft: false }])
  expect([...step.state.members.keys()]).toEqual(['b'])
  expect(step.state.tombstones.get('a')).toMatchObject({ version: 5, evidence: [Uint8Array.of(1), Uint8Array.of(2)] })
})

it('one that had said that it leaves is told of as that', () => {
  const leaving = mergeRecord(meshOf('b'), sealed('a', { state: 'leaving' }), 0).state
  expect(bury(leaving, [dead('a'), dead('b')], 9).buried).toMatchObject([
    { node: 'a', hasLeft: true },
    { node: 'b', hasLeft: false },
  ])
})

it('one whose silent link is still up is told of once, however often the detector says so', () => {
  const silent = suspect(linkUp(meshOf('a'), { node: 'a', life: 1 }, 0).state, { node: 'a', life: 1 }).state
  const { step, buried } = bury(silent, [dead('a')], 9)
  expect(buried).toMatchObject([{ node: 'a' }])
  expect(step.state.members.has('a')).toBe(true)
  expect(bury(step.state, [dead('a')], 10).buried).toEqual([])
})

it('neither a newer record, nor another life, nor one that is no member, is told of as dead', () => {
  const state = mergeRecord(meshOf('a'), sealed('a', { version: 6 }), 0).state
  expect(bury(state, [dead('a'), dead('nobody')], 9)).toEqual({ step: { state, changes: [] }, buried: [] })
  expect(bury(meshOf('a'), [dead('a', 2)], 9).buried).toEqual([])
})

function dead(node: string, life = 1) {
  const accusers = new Map([
    ['x', Uint8Array.of(1)],
    ['y', Uint8Array.of(2)],
  ])
  return { node, suspicion: { life, version: 5, since: 0, heldUntil: undefined, accusers } }
}

function meshOf(...nodes: readonly string[]): Membership {
  return nodes.reduce((mesh, node) => mergeRecord(mesh, sealed(node), 0).state, createMembership(sealed('me')))
}

function sealed(node: string, change: Partial<NodeRecord> = {}): SealedRecord {
  return { record: nodeRecord(node, { version: 5, ...change }), sealed: Uint8Array.of(9) }
}
