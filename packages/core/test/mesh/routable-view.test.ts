import { describe, expect, it } from 'vitest'
import { linkDown, linkUp, mergeRecord, createMembership, type Membership, shaped } from '../../src/mesh/membership.ts'
import type { NodeRecord, SealedRecord } from '../../src/mesh/node-record.ts'
import { avoidedNodes, routableView, type ViewSources } from '../../src/mesh/routable-view.ts'

describe('the view', () => {
  it('begins with this node, and has those with a record and a link, with what the link measures', () => {
    const state = linkUp(meshOf(['a', 'b']), { node: 'nameless', life: 1 }, 0).state
    const nodes = view(linkDown(state, { node: 'b', life: 1 }, 0).state)
    expect(nodes).toEqual([
      { record: state.self.record, rttMs: 0, load: 0.5, inFlight: 3, isStuck: false },
      { record: recordOf('a').record, rttMs: 20, load: 0, inFlight: 1, isStuck: true },
    ])
  })

  it('leaves out those who are avoided by the word of others, and those who could not be dialled', () => {
    const state = meshOf(['a', 'b', 'c'])
    const nodes = view(state, { avoided: new Set(['a']), isUnreachable: (node) => node === 'b' })
    expect(namesOf(nodes)).toEqual(['me', 'c'])
  })

  it('of a sparse mesh has those without a link, with a guess of their round trip', () => {
    const state = shaped(linkDown(meshOf(['a', 'b']), { node: 'b', life: 1 }, 0).state, 'sparse', 0).state
    const nodes = view(state, { measured: (node) => (node === 'a' ? measured : undefined) })
    expect(nodes.map(({ rttMs }) => rttMs)).toEqual([0, 20, 10])
  })
})

it('the word of monitors keeps a node without a link from being chosen, and not too many of them', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e']
  const state = nodes.slice(1).reduce((mesh, node) => linkDown(mesh, { node, life: 1 }, 0).state, meshOf(nodes))
  const avoided = (suspected: string[], but?: string) =>
    avoidedNodes(state, { suspected: () => suspected, isAvoided: (node) => node !== but })
  expect([...avoided(['a', 'b', 'c'], 'c')]).toEqual(['b'])
  expect([...avoided(['b', 'c'])]).toEqual(['b', 'c'])
  expect([...avoided(['b', 'c', 'd'])]).toEqual([])
})

const measured = { rttMs: 20, load: 0, inFlight: 1, isStuck: true, meshVersion: 2 }

function view(state: Membership, changed: Partial<ViewSources> = {}) {
  return routableView(state, {
    own: state.self.record,
    ownLoad: { load: 0.5, inFlight: 3 },
    measured: () => measured,
    avoided: new Set(),
    isUnreachable: () => false,
    ...changed,
  })
}

function meshOf(nodes: readonly string[]): Membership {
  let state = createMembership(recordOf('me'))
  for (const node of nodes) {
    state = mergeRecord(linkUp(state, { node, life: 1 }, 0).state, recordOf(node), 0).state
  }
  return state
}

const records = new Map<string, SealedRecord>()

function recordOf(node: string): SealedRecord {
  const known = records.get(node)
  if (known !== undefined) return known
  const record = { node, life: 1, version: 1, region: 'fra', state: 'up', addresses: [], procedures: [] }
  const made = { record: record as unknown as NodeRecord, sealed: new Uint8Array(0) }
  records.set(node, made)
  return made
}

function namesOf(nodes: readonly { readonly record: NodeRecord }[]): string[] {
  return nodes.map(({ record }) => record.node)
}
