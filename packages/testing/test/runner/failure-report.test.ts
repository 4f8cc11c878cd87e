import { expect, test } from 'vitest'
import { failureReport } from '../../src/runner/failure-report.ts'
import type { SimCase } from '../../src/simulation/sim-case.ts'
import { caseOf, eventOf, failureOf, resultOf } from './fake-run.ts'

const simCase: SimCase = {
  ...caseOf(7),
  nodes: [
    { name: 'syd-1', region: 'syd' },
    { name: 'lax-1', region: 'lax' },
  ],
  faults: [
    { kind: 'pause', atMs: 900, forMs: 20, node: 'lax-1' },
    { kind: 'partition', atMs: 1_000, forMs: 500, from: ['syd'], to: ['rest'], oneWay: true },
  ],
}
const result = resultOf(simCase, {
  failure: failureOf('no order twice'),
  lastEvents: [eventOf(4, { kind: 'recv', peer: 'lax-1', msg: 'ping' }), eventOf(5)],
  ops: ['0/0', '0/1', '1/0'],
})
const failed = { verdict: 'failed', result, rerunHash: 'hash-7' } as const
const replay = ['npx skerry-sim replay x.json']

test('tells the faults first, then what failed, when, after what, and how to see it again', () => {
  const progress = 'run 3 of 20, 41 seeds/s'
  const lines = failureReport({ name: 'orders', outcome: failed, progress, replay, elsewhere: 'same' }).split('\n')
  expect(lines[0]).toBe(
    'SIM FAILED  orders  invariant no order twice  seed 7  t=0.0125s  event 1,234  (run 3 of 20, 41 seeds/s)',
  )
  expect(lines[1]).toMatch(/^faults {3}pause lax-1/)
  expect(lines[2]).toMatch(/^ {9}partition/)
  expect(lines[3]).toBe('         (off: flap, crash, regionLoss, slow, clog, loss, reset, skew, threadLoss)')
  expect(lines[4]).toBe('failure  no order twice does not hold')
  expect(lines[5]).toMatch(/^history +4 +0\.004000 +syd-1 +recv +<- lax-1 +ping$/)
  expect(lines.slice(7)).toEqual([
    'replay   npx skerry-sim replay x.json',
    'verified same trace hash hash-7 on 2 re-runs, one of them in a fresh thread; 0 escapes',
  ])
})

test('says that there was no fault rather than nothing', () => {
  const outcome = { ...failed, result: resultOf(caseOf(1), { failure: failureOf('x') }) }
  expect(failureReport({ name: 'orders', outcome, replay })).toContain('faults   none\n         (off: partition, ')
})

test('shows where an error was thrown', () => {
  const failure = { ...failureOf('workload'), stack: 'Error: x\n    at buy (shop.js:3:1)' }
  const report = failureReport({ name: 'orders', outcome: { ...failed, result: { ...result, failure } }, replay })
  expect(report).toContain('workload does not hold\n             at buy (shop.js:3:1)\n')
})

test('shows how much smaller the case got, and its code', () => {
  const small = resultOf(
    { ...simCase, faults: [], skippedOps: ['0/1', '1/0'] },
    { failure: result.failure, virtualMs: 100, ops: ['0/0', '0/1', '1/0'] },
  )
  const shrunk = { result: small, runs: 42, realMs: 6_300, code: 'simReplay({\n})\n' }
  const report = failureReport({ name: 'orders', outcome: failed, replay, shrunk })
  expect(report).toContain(
    'shrunk   2 -> 0 faults, 3 -> 1 ops, 2 -> 2 nodes, 0.5s -> 0.1s   (42 runs, 6.3s; same invariant)\n' +
      '         simReplay({\n         })\nreplay ',
  )
})

test('never calls verified what differs', () => {
  const outcome = { ...failed, verdict: 'nondeterministic', rerunHash: 'other' } as const
  const differs = failureReport({ name: 'orders', outcome, replay, elsewhere: 'differs' })
  expect(differs).toContain('SIM NOT DETERMINISTIC')
  expect(differs).toContain('hashes hash-7 and other; nothing else in this report can be relied on')
  const leak = failureReport({ name: 'orders', outcome, replay, elsewhere: 'leak' })
  expect(leak).toContain('state leaks through a module')
  expect(differs + leak).not.toContain('verified')
})

test('a seed without an answer is no failure', () => {
  const outcome = { ...failed, verdict: 'inconclusive' } as const
  expect(failureReport({ name: 'orders', outcome, replay })).toMatch(/^SIM INCONCLUSIVE {2}orders {2}seed 7 /)
})
