import { expect, it } from 'vitest'
import { addressesToDial } from '../../src/mesh/addresses-to-dial.ts'
import {
  createMembership,
  died,
  linkUp,
  type Membership,
  mergeRecord,
  type MembershipStep,
  shaped,
} from '../../src/mesh/membership.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const sealed = Uint8Array.of(1)
const of = (node: string) => ({ record: nodeRecord(node, { life: 4, addresses: [`${node}:1`, `${node}:2`] }), sealed })

function mesh(...steps: ((state: Membership) => MembershipStep)[]): Membership {
  const knowing = mergeRecord(createMembership(of('me')), of('a'), 0).state
  return steps.reduce((state, step) => step(state).state, shaped(knowing, 'sparse', 0).state)
}

it('a member of a sparse mesh that has no link is dialled where its record says', () => {
  expect(addressesToDial(mesh(), 'a', 4)).toEqual(['a:1', 'a:2'])
})

const none: [what: string, state: Membership, node: string, life: number][] = [
  ['one of a full mesh', mesh((state) => shaped(state, 'full', 0)), 'a', 4],
  ['one that has a link', mesh((state) => linkUp(state, { node: 'a', life: 4 }, 0)), 'a', 4],
  [
    'one that is believed dead',
    mesh((state) => died(state, [{ node: 'a', life: 4, version: 1, evidence: [] }], 0)),
    'a',
    4,
  ],
  ['another life of one', mesh(), 'a', 5],
  ['a stranger', mesh(), 'b', 4],
  ['this node', mesh(), 'me', 4],
]
it.each(none)('nobody dials %s', (_what, state, node, life) => {
  expect(addressesToDial(state, node, life)).toEqual([])
})
