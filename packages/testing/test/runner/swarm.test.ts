import { expect, test } from 'vitest'
import { checkCase, isRerun } from '../../src/runner/check-case.ts'
import { runSwarm } from '../../src/runner/swarm.ts'
import { caseOf, failureOf, runOf } from './fake-run.ts'

const seeds = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

test('about 5 % of the seeds are run twice, always the same ones', () => {
  const chosen = seeds(10_000).filter(isRerun)
  expect(chosen.length).toBeGreaterThan(400)
  expect(chosen.length).toBeLessThan(600)
  expect(seeds(10_000).filter(isRerun)).toEqual(chosen)
})

test('a seed that passes is run once, and twice if it is to be compared', async () => {
  const run = runOf(() => ({}))
  expect((await checkCase(run, caseOf(1), false)).verdict).toBe('passed')
  expect(run.asked).toBe(1)
  const twice = await checkCase(run, caseOf(1), true)
  expect(run.asked).toBe(3)
  expect(twice).toMatchObject({ verdict: 'passed', rerunHash: 'hash-1' })
})

test('a seed that fails is run again, under watch', async () => {
  const watched: unknown[] = []
  const run = runOf(() => ({ failure: failureOf('no order twice') }))
  const outcome = await checkCase(
    (simCase, options) => {
      watched.push(options?.watchEscapes)
      return run(simCase, options)
    },
    caseOf(1),
    false,
  )
  expect(outcome.verdict).toBe('failed')
  expect(watched).toEqual([undefined, true])
})

test('two runs that differ are the finding, whatever else they say', async () => {
  const run = runOf((_simCase, nth) => ({ hash: `h${nth}`, failure: failureOf('x') }))
  expect(await checkCase(run, caseOf(1))).toMatchObject({ verdict: 'nondeterministic', rerunHash: 'h2' })
})

test('an escape that only the watch sees is a failure', async () => {
  const run = runOf((_simCase, nth) => (nth === 1 ? {} : { hash: 'short', failure: failureOf('escape') }))
  const outcome = await checkCase(run, caseOf(1))
  expect(outcome.verdict).toBe('failed')
  expect(outcome.result.failure?.invariant).toBe('escape')
})

test('too many events are no failure', async () => {
  const run = runOf(() => ({ failure: failureOf('inconclusive') }))
  expect((await checkCase(run, caseOf(1))).verdict).toBe('inconclusive')
})

test('a swarm stops at the first failure', async () => {
  const done: string[] = []
  const run = runOf(({ seed }) => (seed >= 4 ? { failure: failureOf('x') } : {}))
  const onSeed = (seed: number, { verdict }: { verdict: string }): void => void done.push(`${seed} ${verdict}`)
  await runSwarm({ run, resolve: caseOf, seeds: seeds(9), onSeed })
  expect(done).toEqual(['1 passed', '2 passed', '3 passed', '4 failed'])
})

test('a swarm goes on after a failure if told to, and after a seed without an answer anyway', async () => {
  const done: number[] = []
  const onSeed = (seed: number): void => void done.push(seed)
  const failing = runOf(() => ({ failure: failureOf('x') }))
  await runSwarm({ run: failing, resolve: caseOf, seeds: seeds(3), keepGoing: true, onSeed })
  const endless = runOf(() => ({ failure: failureOf('inconclusive') }))
  await runSwarm({ run: endless, resolve: caseOf, seeds: seeds(3), onSeed })
  expect(done).toEqual([1, 2, 3, 1, 2, 3])
})
