import { expect, it } from 'vitest'
import type { NodeRecord } from '../../src/mesh/node-record.ts'
import { type RoutableNode, routableNode, ToldView } from '../../src/mesh/told-view.ts'

const records = ['me', 'a', 'b'].map((node) => ({ node }) as NodeRecord) as [NodeRecord, NodeRecord, NodeRecord]
const measured = { rttMs: 100, load: 0.5, inFlight: 2, isStuck: false, meshVersion: 2 }
const own = { load: 0, inFlight: 0 }

function view(a = measured): RoutableNode[] {
  const [me, withLink, without] = records
  return [routableNode(me, { ...measured, ...own }), routableNode(withLink, a), routableNode(without, undefined)]
}

function told(): ToldView {
  const view_ = new ToldView()
  expect(view_.isNews(view(), (node) => node === 'a')).toBe(true)
  return view_
}

it('a view is news when its nodes are others, or what was measured moved by more than it varies', () => {
  const isLinked = (node: string): boolean => node === 'a'
  expect(told().isNews(view(), isLinked)).toBe(false)
  expect(told().isNews(view({ ...measured, rttMs: 104, load: 0.51, inFlight: 6 }), isLinked)).toBe(false)
  expect(told().isNews(view().slice(0, 2), isLinked)).toBe(true)
  for (const moved of [{ rttMs: 106 }, { load: 0.6 }, { inFlight: 7 }, { isStuck: true }]) {
    expect(told().isNews(view({ ...measured, ...moved }), isLinked)).toBe(true)
  }
  const forgotten = told()
  forgotten.forget()
  expect(forgotten.isNews(view(), isLinked)).toBe(true)
})

it('has moved when this node, or a link, measures something else, or a link is new', () => {
  const of = (a: typeof measured | undefined) => () => a
  expect(told().hasMoved(own, ['a'], of(measured))).toBe(false)
  expect(told().hasMoved({ ...own, inFlight: 9 }, ['a'], of(measured))).toBe(true)
  expect(told().hasMoved({ ...own, load: 0.5 }, ['a'], of(measured))).toBe(true)
  expect(told().hasMoved(own, ['a'], of({ ...measured, rttMs: 200 }))).toBe(true)
  expect(told().hasMoved(own, ['a', 'b'], of(measured))).toBe(true)
})
