import { expect, it } from 'vitest'
import { UnreachableNodes } from '../../src/mesh/unreachable-nodes.ts'

it('a node that could not be dialled is routed around for five seconds, or until there is a link', () => {
  const nodes = new UnreachableNodes()
  for (const node of ['a', 'b', 'c']) nodes.add(node, 1_000)
  nodes.add('c', 3_000)
  nodes.linked('b')
  expect([nodes.has('a'), nodes.has('b'), nodes.has('c')]).toEqual([true, false, true])
  expect(nodes.expire(5_999)).toBe(false)
  expect(nodes.expire(6_000)).toBe(true)
  expect([nodes.has('a'), nodes.has('c')]).toEqual([false, true])
  expect(nodes.expire(6_000)).toBe(false)
})
