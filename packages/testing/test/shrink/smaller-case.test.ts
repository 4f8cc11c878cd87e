import { expect, it } from 'vitest'
import type { Fault } from '../../src/fault/fault.ts'
import { checkFaults } from '../../src/fault/check-faults.ts'
import { withFewerFaults, withoutNode } from '../../src/shrink/smaller-case.ts'
import { weakerCases } from '../../src/shrink/weaker-case.ts'
import type { SimCase } from '../../src/simulation/sim-case.ts'
import { examples, nodes } from '../fault/examples.ts'

const between = { kind: 'clog', extraMs: 101, atMs: 100, forMs: 200 } as const
const whole: SimCase = { seed: 1, nodes, durationMs: 12_345, faults: examples.map(([fault]) => fault) }

it('without a node there is nothing left that only it suffered', () => {
  const faults: Fault[] = [
    { kind: 'pause', node: 'lax-1', atMs: 1, forMs: 1 },
    { kind: 'pause', node: 'lax-2', atMs: 1, forMs: 1 },
    { ...between, from: ['lax-1'], to: ['rest'] },
    { ...between, from: ['lax-1', 'fra'], to: ['rest'] },
    { ...between, from: ['syd'], to: ['lax-1', 'fra-1'] },
    { ...between, from: ['lax'], to: ['fra'] },
    { kind: 'regionLoss', region: 'lax', atMs: 1, forMs: 1 },
  ]
  const without = withoutNode({ ...whole, faults }, 'lax-1')
  expect(without.nodes.map(({ name }) => name)).toEqual(['syd-1', 'syd-2', 'lax-2', 'fra-1'])
  expect(without.faults).toEqual([
    faults[1],
    { ...between, from: ['fra'], to: ['rest'] },
    { ...between, from: ['syd'], to: ['fra-1'] },
    faults[5],
    faults[6],
  ])
  // Then the last one of its region.
  expect(withoutNode(without, 'lax-2').faults).toEqual([without.faults[1], without.faults[2]])
})

it('of every node taken away, what is left can be', () => {
  for (const { name } of nodes) {
    const { faults, nodes: left } = withoutNode(whole, name)
    expect(() => checkFaults(faults, left)).not.toThrow()
  }
})

it('with fewer faults nothing else changes', () => {
  const faults = whole.faults.slice(3, 5)
  expect(withFewerFaults(whole, faults)).toEqual({ ...whole, faults })
})

it('every weaker case can be, and is no other in what it is not about', () => {
  for (const weaken of weakerCases(whole)) {
    const { faults, durationMs, jitter, order, ...same } = weaken(whole)
    expect(same).toEqual({ seed: 1, nodes })
    expect(() => checkFaults(faults, nodes)).not.toThrow()
    expect(faults.map(({ kind }) => kind)).toEqual(whole.faults.map(({ kind }) => kind))
    expect(
      faults.filter((fault, at) => JSON.stringify(fault) !== JSON.stringify(whole.faults[at])).length,
    ).toBeLessThan(2)
    expect(durationMs).toBeGreaterThanOrEqual(whole.durationMs)
    expect([jitter, order]).toEqual([
      jitter === undefined ? undefined : false,
      order === undefined ? undefined : 'fifo',
    ])
  }
})

it.each<[Fault, Partial<Fault>]>([
  [{ ...between, from: ['lax'], to: ['fra'] }, { extraMs: 51 }],
  [{ kind: 'slow', node: 'syd-1', turnUs: 9, atMs: 0, forMs: 10 }, { turnUs: 5 }],
  [{ kind: 'skew', node: 'syd-1', jumpMs: 9, driftPpm: 3, atMs: 0, forMs: 10 }, { driftPpm: 0 }],
  [{ kind: 'reset', from: ['lax'], to: ['fra'], halfOpen: true, atMs: 0 }, { halfOpen: false }],
  [
    { kind: 'crash', node: 'syd-1', files: 'lose', silent: true, atMs: 0, forMs: 10 },
    { files: 'keep', silent: false },
  ],
  [{ kind: 'partition', from: ['lax'], to: ['fra'], oneWay: true, atMs: 0, forMs: 10 }, { oneWay: false }],
  [
    { kind: 'loss', from: ['lax'], to: ['fra'], loss: 0.1, duplicate: 0.1, reorder: 0.1, atMs: 0, forMs: 10 },
    { duplicate: 0, reorder: 0 },
  ],
])('among the weaker cases of one with %o is one with %o', (fault, milder) => {
  const simCase = { ...whole, faults: [fault] }
  const weaker = weakerCases(simCase).map((weaken) => weaken(simCase).faults[0])
  expect(weaker).toContainEqual({ ...fault, ...milder })
})
