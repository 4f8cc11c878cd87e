import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MonitorTable, monitorsCounted, monitorsWanted } from '../../src/mesh/monitors.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `12D3KooWnode${at}`)
const chosen = (table: MonitorTable): string[] =>
  [...table.nodes()].map((node) => `${node}: ${table.of(node).join()}`).toSorted()

describe('the monitors of a node', () => {
  it('are the same for all who know the same nodes, in whatever order they came to know them, and whoever was there between', () => {
    const node = fc.integer({ min: 0, max: 30 }).map((at) => `n${at}`)
    fc.assert(
      fc.property(fc.array(fc.record({ node, joins: fc.boolean() }), { maxLength: 120 }), (moves) => {
        const table = new MonitorTable()
        const present = new Set<string>()
        for (const move of moves) {
          if (move.joins) present.add(move.node)
          else present.delete(move.node)
          if (move.joins) table.add(move.node)
          else table.remove(move.node)
        }
        expect(chosen(table)).toEqual(chosen(new MonitorTable([...present].toSorted())))
      }),
    )
  })

  it('are others than itself, each once, as many as there can be', () => {
    for (const size of [1, 2, 6, 7, 8, 60]) {
      const table = new MonitorTable(names(size))
      for (const node of table.nodes()) {
        const monitors = table.of(node)
        expect(new Set(monitors).size).toBe(Math.min(monitorsWanted, size - 1))
        expect(monitors).not.toContain(node)
        for (const monitor of monitors) {
          expect(table.subjectsOf(monitor)).toContain(node)
          expect(table.counts(monitor, node)).toBe(true)
        }
      }
    }
  })

  it('change only where one that came or went is among them', () => {
    const table = new MonitorTable(names(200))
    const before = new Map(names(200).map((node) => [node, table.of(node)]))
    table.remove('12D3KooWnode7')
    let changed = 0
    for (const [node, monitors] of before) {
      if (node === '12D3KooWnode7') continue
      const kept = monitors.filter((monitor) => monitor !== '12D3KooWnode7')
      expect(table.of(node).slice(0, kept.length)).toEqual(kept)
      if (kept.length < monitors.length) changed += 1
    }
    expect(changed).toBeGreaterThan(0)
    expect(changed).toBeLessThan(30)
  })

  it('are spread: nobody watches many, and all are connected through them', () => {
    const table = new MonitorTable(names(1_000))
    const watched = names(1_000).map((node) => table.subjectsOf(node).length)
    expect(Math.max(...watched)).toBeLessThanOrEqual(20)
    const reached = new Set(['12D3KooWnode0'])
    for (const node of reached) for (const next of [...table.of(node), ...table.subjectsOf(node)]) reached.add(next)
    expect(reached.size).toBe(1_000)
  })

  it('count with two more than are chosen, since views differ for a moment', () => {
    const table = new MonitorTable(names(100))
    const counted = names(100).filter((node) => table.counts(node, '12D3KooWnode5'))
    expect(counted).toHaveLength(monitorsCounted)
    table.remove(table.of('12D3KooWnode5')[0] as string)
    const others = counted.filter((node) => table.has(node))
    for (const node of others) expect(table.counts(node, '12D3KooWnode5')).toBe(true)
    expect(table.counts('stranger', '12D3KooWnode5')).toBe(false)
    expect(table.of('stranger')).toEqual([])
    expect(table.subjectsOf('stranger')).toEqual([])
  })

  it('count in the view of who knows of up to two nodes more, whichever those are', () => {
    const before = new MonitorTable(names(40))
    for (let first = 40; first < 80; first += 2) {
      const more = new MonitorTable(names(40))
      for (const at of [first, first + 1]) more.add(`12D3KooWnode${at}`)
      for (const node of names(40)) for (const monitor of before.of(node)) expect(more.counts(monitor, node)).toBe(true)
    }
  })
})
