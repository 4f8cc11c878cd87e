import { expect, test } from 'vitest'
import { SwarmTally } from '../../src/runner/swarm-tally.ts'
import type { PropertyCount } from '../../src/simulation/run-result.ts'

function tallyOf(seeds: number, properties: readonly PropertyCount[], expected?: readonly string[]): SwarmTally {
  const tally = new SwarmTally(expected)
  for (let seed = 1; seed <= seeds; seed += 1) {
    tally.add({ verdict: 'passed', result: { events: 10, virtualMs: 100, escapes: ['fs at app.js:1'], properties } })
  }
  return tally
}

test('adds up what the seeds showed', () => {
  const tally = tallyOf(3, [{ kind: 'chance', id: 'late', reached: 5, hit: 2 }])
  expect(tally.properties()).toEqual([{ kind: 'chance', id: 'late', reached: 15, hit: 6, seeds: 3 }])
  expect(tally).toMatchObject({ seeds: 3, events: 30, virtualMs: 300, failed: 0 })
  expect(tally.escapes()).toEqual(['fs at app.js:1'])
})

test('counts by verdict', () => {
  const tally = new SwarmTally()
  const result = { events: 0, virtualMs: 0, escapes: [], properties: [] }
  for (const verdict of ['passed', 'failed', 'inconclusive', 'nondeterministic'] as const) {
    tally.add({ verdict, result, rerunHash: 'x' })
  }
  tally.addLost()
  expect(tally).toMatchObject({ seeds: 5, rerun: 4, failed: 2, inconclusive: 2 })
})

test('a "sometimes" that 1,000 seeds never saw hold is missing, not one that fewer seeds missed', () => {
  const never: PropertyCount = { kind: 'sometimes', id: 'the queue grew long', reached: 1, hit: 0 }
  expect(tallyOf(999, [never]).notCovered()).toEqual([])
  expect(tallyOf(1_000, [never]).notCovered()).toEqual([
    'sometimes "the queue grew long" was reached 1000 times and never held',
  ])
  const once = tallyOf(999, [never])
  once.add({ verdict: 'passed', result: { events: 0, virtualMs: 0, escapes: [], properties: [{ ...never, hit: 1 }] } })
  expect(once.notCovered()).toEqual([])
})

test('an expected id that was never reached is missing', () => {
  const reached: PropertyCount = { kind: 'always', id: 'here', reached: 1, hit: 1 }
  expect(tallyOf(1_000, [reached], ['here', 'there']).notCovered()).toEqual(['"there" was never reached'])
})

test('what the runtime says of itself is missing only where it was asked for', () => {
  const own: PropertyCount = { kind: 'sometimes', id: 'skerry/a late reply', reached: 1, hit: 0 }
  expect(tallyOf(1_000, [own]).notCovered()).toEqual([])
  expect(tallyOf(1_000, [own], [own.id]).notCovered()).toHaveLength(1)
})
