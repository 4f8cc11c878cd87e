import { describe, expect, it } from 'vitest'
import { guessRtts } from '../../src/mesh/guess-rtt.ts'
import { LinkPlan } from '../../src/mesh/link-plan.ts'
import type { NodeRecord } from '../../src/mesh/node-record.ts'

describe('the plan of a sparse mesh', () => {
  it('dials the wanted, leaves the others alone, and lets the seeds rest when three links are up', () => {
    const { plan, log, linked, follow } = planned(['a', 'b', 'c', 'd', 'e'])
    follow(['a', 'b', 'c'])
    expect(log).toEqual(['learn a', 'learn b', 'learn c', 'seeds work'])
    for (const node of ['a', 'b', 'c']) linked.add(node)
    follow(['a', 'b', 'd'])
    expect(log.splice(0)).toContain('forget c')
    linked.add('d')
    follow(['a', 'b', 'd'])
    expect(log.at(-1)).toBe('seeds rest')
    expect([plan.isWanted('d'), plan.isWanted('c')]).toEqual([true, false])
  })

  it('goes on dialling a few that were lost, and hurries when one of them is heard of', () => {
    const { plan, log, records, follow } = planned(['a', 'b'])
    follow(['a', 'b'])
    records.delete('b')
    follow(['a'])
    expect(log).not.toContain('forget b')
    log.length = 0
    plan.learnt(recordOf('b'), 'sparse')
    expect(log).toEqual(['learn b', 'hurry b'])
    const many = Array.from({ length: 12 }, (_, at) => `m${at}`)
    for (const node of many) records.set(node, recordOf(node))
    follow([...many, 'a'])
    for (const node of many) records.delete(node)
    log.length = 0
    follow(['a'])
    expect(log.filter((word) => word.startsWith('forget'))).toHaveLength(5)
  })

  it('does not keep what was made for a call', () => {
    const { plan, log, follow } = planned(['a', 'b'])
    follow(['a'])
    log.length = 0
    plan.linkedTo('a', 'sparse')
    plan.linkedTo('b', 'sparse')
    plan.linkedTo('b', 'full')
    expect(log).toEqual(['forget b'])
    plan.learnt(recordOf('b'), 'sparse')
    expect(log).toEqual(['forget b'])
  })
})

it('the round trip of a node without a link is guessed from its region', () => {
  const node = (region: string, rttMs: number | undefined) => ({ record: { region }, rttMs })
  const nodes = [node('syd', 0), node('syd', undefined), node('fra', 200), node('fra', 300), node('fra', undefined)]
  guessRtts([...nodes, node('nrt', undefined)])
  expect(nodes.map(({ rttMs }) => rttMs)).toEqual([0, 0, 200, 300, 250])
})

function recordOf(node: string): NodeRecord {
  return { node, addresses: [node] } as unknown as NodeRecord
}

function planned(nodes: readonly string[]) {
  const log: string[] = []
  const linked = new Set<string>()
  const records = new Map(nodes.map((node) => [node, recordOf(node)]))
  const plan = new LinkPlan({
    learn: (_address, node) => void log.push(`learn ${node}`),
    hurry: (node) => void log.push(`hurry ${node}`),
    forget: (node) => void log.push(`forget ${node}`),
    restSeeds: (resting) => void log.push(`seeds ${resting ? 'rest' : 'work'}`),
    measured: (node) => (linked.has(node) ? ({} as never) : undefined),
  })
  const follow = (wanted: readonly string[]): void => plan.follow(wanted, 'sparse', (node) => records.get(node))
  return { plan, log, linked, records, follow }
}
