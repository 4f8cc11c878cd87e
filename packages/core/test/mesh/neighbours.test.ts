import { expect, it } from 'vitest'
import { MonitorTable } from '../../src/mesh/monitors.ts'
import { meshShape, neighboursMax, neighboursOf } from '../../src/mesh/neighbours.ts'

it('a mesh is full up to 50 nodes, and becomes so again only below 40', () => {
  expect([1, 50, 51].map((size) => meshShape('full', size))).toEqual(['full', 'full', 'sparse'])
  expect([51, 40, 39].map((size) => meshShape('sparse', size))).toEqual(['sparse', 'sparse', 'full'])
})

it('the neighbours of a node are its monitors and those that it watches, at most twenty', () => {
  const nodes = Array.from({ length: 1_000 }, (_, at) => `node-${at}`)
  const table = new MonitorTable(nodes)
  let links = 0
  for (const node of nodes) {
    const neighbours = neighboursOf(table, node)
    expect(neighbours.size).toBeLessThanOrEqual(neighboursMax)
    for (const monitor of table.of(node)) expect(neighbours.has(monitor)).toBe(true)
    expect(neighbours.has(node)).toBe(false)
    links += neighbours.size
  }
  expect(links / nodes.length).toBeLessThan(12)
})

it('a node that watches many links to twenty, its monitors first', () => {
  const monitors = ['a', 'b', 'c', 'd', 'e', 'f']
  const subjects = Array.from({ length: 40 }, (_, at) => `node-${at}`)
  const table = { of: () => monitors, subjectsOf: () => subjects } as unknown as MonitorTable
  expect([...neighboursOf(table, 'me')]).toEqual([...monitors, ...subjects.slice(0, 14)])
})
