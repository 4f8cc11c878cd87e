import { expect, it } from 'vitest'
import { createMembership, linkUp, type Membership, mergeRecord } from '../../src/mesh/membership.ts'
import { MeshView } from '../../src/mesh/mesh-view.ts'
import type { SealedRecord } from '../../src/mesh/node-record.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

it('a view is told when it is news, and in any case after that was asked for', () => {
  const { view, told } = viewOf()
  const state = meshOf('a')
  view.tell(state)
  view.tell(state)
  expect(told).toEqual([['me', 'a']])
  view.forget()
  view.tell(state)
  view.tell(meshOf('a', 'b'))
  expect(told.slice(1)).toEqual([
    ['me', 'a'],
    ['me', 'a', 'b'],
  ])
})

it('a node that could not be dialled is left out until its time is over', () => {
  const { view, told } = viewOf()
  view.unreachable.add('a', 0)
  view.tell(meshOf('a', 'b'))
  view.unreachable.expire(60_000)
  view.tell(meshOf('a', 'b'))
  expect(told).toEqual([
    ['me', 'b'],
    ['me', 'a', 'b'],
  ])
})

it('a large view is old at a tick when somebody is suspected, when a change waits, or when a link measures something else', () => {
  const nodes = Array.from({ length: 100 }, (_, at) => `n${at}`)
  const { view, sources } = viewOf()
  const isOld = (): boolean => {
    const old = view.isOld()
    view.tell(meshOf(...nodes))
    return old
  }
  view.tell(meshOf(...nodes))
  expect(isOld()).toBe(false)
  sources.isBusy = true
  expect(isOld()).toBe(true)
  sources.isBusy = false
  // That nobody is suspected any more is to be seen once.
  expect([isOld(), isOld()]).toEqual([true, false])
  view.pace.untold()
  expect([isOld(), isOld()]).toEqual([true, false])
  sources.rttMs = 90
  expect([isOld(), isOld()]).toEqual([true, false])
})

function viewOf() {
  const sources = { isBusy: false, rttMs: 10 }
  const told: string[][] = []
  const detector = {
    get isBusy() {
      return sources.isBusy
    },
    suspected: () => [],
    isAvoided: () => false,
  }
  const measured = () => ({ rttMs: sources.rttMs, load: 0, inFlight: 0, isStuck: false, meshVersion: 2 })
  const own = sealed('me')
  const view = new MeshView({
    links: { peerNodes: () => ['n1'], measured },
    detector,
    own: () => own.record,
    ownLoad: () => ({ load: 0, inFlight: 0 }),
    onView: (nodes) => void told.push(nodes.map(({ record }) => record.node)),
  })
  return { view, told, sources }
}

function meshOf(...nodes: readonly string[]): Membership {
  return nodes.reduce(
    (mesh, node) => mergeRecord(linkUp(mesh, { node, life: 1 }, 0).state, sealed(node), 0).state,
    createMembership(sealed('me')),
  )
}

const records = new Map<string, SealedRecord>()

function sealed(node: string): SealedRecord {
  const known = records.get(node) ?? { record: nodeRecord(node), sealed: Uint8Array.of(9) }
  records.set(node, known)
  return known
}
