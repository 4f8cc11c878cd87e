import { describe, expect, it } from 'vitest'
import { checkFaults } from '../../src/fault/check-faults.ts'
import type { Fault, FaultKind } from '../../src/fault/fault.ts'
import { type FaultFamilies, planFaults } from '../../src/fault/fault-plan.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { nodes } from './examples.ts'

const kinds: readonly FaultKind[] = [
  'partition',
  'flap',
  'crash',
  'regionLoss',
  'pause',
  'slow',
  'clog',
  'loss',
  'reset',
  'skew',
  'threadLoss',
]
const safetyMs = 60_000
const seeds = Array.from({ length: 200 }, (_, seed) => seed)

function plan(seed: number, families: FaultFamilies | 'all' | readonly Fault[] = 'all'): Fault[] {
  return planFaults({ families, nodes, primary: 'syd', safetyMs, random: seededRandom(seed) })
}

function kindsIn(faults: readonly Fault[]): Set<FaultKind> {
  return new Set(faults.map(({ kind }) => kind))
}

function isForGood(fault: Fault): fault is Extract<Fault, { kind: 'crash' }> {
  return fault.kind === 'crash' && fault.forMs >= safetyMs
}

describe('the plan of a seed', () => {
  it('is the same each time, and another for each seed', () => {
    for (const seed of seeds) expect(plan(seed)).toEqual(plan(seed))
    expect(new Set(seeds.map((seed) => JSON.stringify(plan(seed)))).size).toBe(seeds.length)
  })

  it('names only what is there, in the order of time', () => {
    for (const seed of seeds) {
      const faults = plan(seed)
      checkFaults(faults, nodes)
      expect(faults.length).toBeGreaterThan(0)
      expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).sort((a, b) => a - b))
      for (const fault of faults) expect(Number.isInteger(fault.atMs)).toBe(true)
    }
  })

  it('is over before the safety phase is, but for nodes that stay dead', () => {
    for (const seed of seeds) {
      for (const fault of plan(seed)) {
        const forMs = 'forMs' in fault && !isForGood(fault) ? fault.forMs : 0
        expect(fault.atMs + forMs).toBeLessThan(safetyMs)
      }
    }
  })

  it.each([3, 4, 5, 6])('leaves fewer than half of %d nodes dead, and none in the primary region', (count) => {
    const some = Array.from({ length: count }, (_, n) => (n === 0 ? nodes[0] : { name: `lax-${n}`, region: 'lax' }))
    let most = 0
    let none = 0
    for (const seed of seeds) {
      const faults = planFaults({
        families: { crash: true },
        nodes: some,
        primary: 'syd',
        safetyMs,
        random: seededRandom(seed),
      })
      const dead = faults.filter(isForGood).map(({ node }) => node)
      expect(new Set(dead).size).toBe(dead.length)
      expect(dead.length).toBeLessThan(count / 2)
      expect(dead).not.toContain('syd-1')
      most = Math.max(most, dead.length)
      if (dead.length === 0) none += 1
    }
    expect(most).toBe(Math.ceil(count / 2) - 1)
    expect(none).toBeGreaterThan(seeds.length / 3)
  })

  it('lets no node stay dead where all are in the primary region', () => {
    for (const seed of seeds) {
      const faults = planFaults({
        families: 'all',
        nodes: nodes.slice(0, 2),
        primary: 'syd',
        safetyMs,
        random: seededRandom(seed),
      })
      expect(faults.filter(isForGood)).toEqual([])
    }
  })
})

describe('the swarm', () => {
  it('switches each family off in about half of the seeds, so that the others show what they do', () => {
    for (const kind of kinds) {
      const on = seeds.filter((seed) => kindsIn(plan(seed)).has(kind)).length
      expect(on / seeds.length).toBeGreaterThan(0.35)
      expect(on / seeds.length).toBeLessThan(0.65)
    }
  })

  it('draws both sorts of what comes in two', () => {
    const all = seeds.flatMap((seed) => plan(seed))
    const sorts = (of: (fault: Fault) => unknown): number =>
      new Set(all.map(of).filter((sort) => sort !== undefined)).size
    expect(sorts((fault) => (fault.kind === 'partition' ? fault.oneWay : undefined))).toBe(2)
    expect(sorts((fault) => (fault.kind === 'crash' ? fault.silent : undefined))).toBe(2)
    expect(sorts((fault) => (fault.kind === 'reset' ? fault.halfOpen : undefined))).toBe(2)
    expect(sorts((fault) => (fault.kind === 'skew' ? fault.jumpMs > 0 : undefined))).toBe(2)
    expect(sorts((fault) => (fault.kind === 'crash' ? fault.files : undefined))).toBe(3)
  })

  it('draws many and few, short and long', () => {
    const counts = new Set<number>()
    const lengths: number[] = []
    for (const seed of seeds) {
      const clogs = plan(seed).filter(({ kind }) => kind === 'clog')
      counts.add(clogs.length)
      for (const clog of clogs) if ('forMs' in clog) lengths.push(clog.forMs)
    }
    expect([...counts].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(Math.min(...lengths)).toBeLessThan(500)
    expect(Math.max(...lengths)).toBeGreaterThan(10_000)
  })
})

describe('families', () => {
  it('that are not named never happen', () => {
    for (const seed of seeds) {
      const faults = plan(seed, { pause: true, skew: true, crash: false })
      for (const { kind } of faults) expect(['pause', 'skew']).toContain(kind)
      expect(plan(seed, {})).toEqual([])
    }
  })

  it('that are the only one always happen', () => {
    for (const seed of seeds) expect(kindsIn(plan(seed, { pause: true }))).toEqual(new Set(['pause']))
  })

  it.each(kinds)('without "%s" are otherwise the same', (off) => {
    const others = Object.fromEntries(kinds.map((kind) => [kind, kind !== off]))
    for (const seed of seeds) {
      const rest = plan(seed).filter(({ kind }) => kind !== off)
      // A run in which nothing goes wrong would find nothing: then another family takes its place.
      if (rest.length > 0) expect(plan(seed, others)).toEqual(rest)
      else expect(kindsIn(plan(seed, others)).size).toBe(1)
    }
  })
})

it('explicit faults are taken as they are', () => {
  const faults: Fault[] = [
    { kind: 'pause', node: 'syd-1', atMs: 99, forMs: 1 },
    { kind: 'pause', node: 'syd-1', atMs: 5, forMs: 100_000 },
  ]
  expect(plan(1, faults)).toEqual(faults)
})
