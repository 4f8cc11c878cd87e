import { always, chance, child, genServer, knob, reachable, sometimes, unreachable } from '@skerry/core'
import { type PropertyCount, resolveCase, runCase, type SimulationOptions } from '@skerry/testing'
import { expect, it } from 'vitest'
import { run, shopApp, simulation } from './shop.ts'

/** An app in which one actor of a single node does this a hundred times. */
function doing(what: (nth: number) => void): Partial<SimulationOptions> {
  const doer = genServer({
    name: 'doer',
    init(ctx) {
      ctx.clock.after(10, () => {
        for (let nth = 0; nth < 100; nth += 1) what(nth)
      })
      return {}
    },
  })
  return { regions: { syd: 1 }, app: shopApp(child('doer', doer, [])), workload: (sim) => sim.advance(500) }
}

function own(properties: readonly PropertyCount[]): PropertyCount[] {
  return properties.filter(({ id }) => id.startsWith('test/'))
}

it.each([
  ['always', (nth: number) => always(nth < 50, 'test/wrong', { nth }), 'always "test/wrong" does not hold: {"nth":50}'],
  ['unreachable', () => unreachable('test/wrong'), '"test/wrong" was reached and never should be'],
  ['always', () => always(false, 'test/wrong', { big: 7n }), 'always "test/wrong" does not hold: {"big":"7"}'],
  ['always', () => always(false, 'test/wrong', endless()), 'always "test/wrong" does not hold: details without end'],
])('%s that does not hold fails the run with its id', async (_kind, what, message) => {
  const { failure } = await run(doing(what))
  expect(failure).toMatchObject({ invariant: 'test/wrong' })
  expect(failure?.message.replace(/: .*circular.*/is, ': details without end')).toBe(message)
})

it('every property is counted: how often it was reached, and how often it held', async () => {
  const { failure, properties } = await run(
    doing((nth) => {
      always(true, 'test/always')
      sometimes(nth % 4 === 0, 'test/sometimes')
      sometimes(false, 'test/never')
      if (nth < 7) reachable('test/reachable')
    }),
  )
  expect(failure).toBeUndefined()
  expect(own(properties)).toEqual([
    { kind: 'always', id: 'test/always', reached: 100, hit: 100 },
    { kind: 'sometimes', id: 'test/sometimes', reached: 100, hit: 25 },
    { kind: 'sometimes', id: 'test/never', reached: 100, hit: 0 },
    { kind: 'reachable', id: 'test/reachable', reached: 7, hit: 7 },
  ])
})

it('the seed decides whether a chance does anything in a run, and when', async () => {
  const fired = new Map<number, string>()
  let times: number[] = []
  const options = simulation(doing((nth) => void (chance('test/rare') && times.push(nth))))
  for (const seed of [...Array.from({ length: 40 }, (_, n) => n), 0, 1, 2, 3, 4, 5, 6, 7]) {
    times = []
    const { properties } = await runCase(options, resolveCase(options, seed))
    expect(own(properties)).toEqual([{ kind: 'chance', id: 'test/rare', reached: 100, hit: times.length }])
    const said = times.join(' ')
    expect(fired.get(seed) ?? said).toBe(said)
    fired.set(seed, said)
  }
  const active = [...fired.values()].filter((said) => said !== '')
  // A quarter of the seeds, and a quarter of the times.
  expect(active.length).toBeGreaterThanOrEqual(4)
  expect(active.length).toBeLessThanOrEqual(18)
  expect(new Set(active).size).toBe(active.length)
  const rates = active.map((said) => said.split(' ').length)
  expect(Math.min(...rates)).toBeGreaterThan(5)
  expect(Math.max(...rates)).toBeLessThan(50)
})

it('a knob has one value in a run, and over the seeds each of them, mostly the usual one', async () => {
  const values: number[] = []
  let seen = new Set<number>()
  const options = simulation(doing(() => void seen.add(knob('test/size', 500, [1, 7]))))
  for (let seed = 0; seed < 60; seed += 1) {
    seen = new Set()
    await runCase(options, resolveCase(options, seed))
    expect(seen.size).toBe(1)
    values.push(...seen)
  }
  const count = (value: number): number => values.filter((one) => one === value).length
  expect(count(500)).toBeGreaterThan(30)
  expect(count(1)).toBeGreaterThan(0)
  expect(count(7)).toBeGreaterThan(0)
})

it('outside of a run nobody is told', async () => {
  await run(doing(() => undefined))
  expect(() => always(false, 'test/outside')).not.toThrow()
  expect(chance('test/outside')).toBe(false)
})

function endless(): object {
  const details: { self?: object } = {}
  details.self = details
  return details
}
