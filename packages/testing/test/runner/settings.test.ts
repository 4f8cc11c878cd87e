import { expect, test } from 'vitest'
import { seedSettings } from '../../src/runner/environment.ts'
import { parseCount, parseDuration, parseSeed } from '../../src/runner/parse-setting.ts'
import { createSeedShare, stopSeeds, takeSeeds } from '../../src/runner/seed-share.ts'
import { seedsToRun } from '../../src/runner/seeds-to-run.ts'

test('reads durations', () => {
  expect(['500ms', '30s', '1.5m', '2h'].map((text) => parseDuration('x', text))).toEqual([
    500, 30_000, 90_000, 7_200_000,
  ])
  for (const wrong of ['', '10', 's', '-1s', '0s', '1 d']) {
    expect(() => parseDuration('SIM_TIME', wrong)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
  }
})

test('reads seeds and counts', () => {
  expect([parseSeed('x', '0'), parseSeed('x', '0x5eed0347'), parseCount('x', '1_000')]).toEqual([0, 0x5eed0347, 1_000])
  for (const wrong of ['', '-1', '1.5', '1e3', '99999999999999999999']) {
    expect(() => parseSeed('x', wrong)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
  }
  expect(() => parseCount('x', '0')).toThrow('x is "0"')
})

test('the environment wins over the definition', () => {
  const all = (wanted: number | readonly number[] | undefined, environment: Record<string, string>): number[] => {
    return [...seedsToRun(wanted, seedSettings(environment)).seeds]
  }
  expect(all(3, {})).toEqual([1, 2, 3])
  expect(all(undefined, {})).toHaveLength(20)
  expect(all([7, 5], {})).toEqual([7, 5])
  expect(all([7, 5], { SIM_RUNS: '2' })).toEqual([1, 2])
  expect(all(3, { SIM_SEED: '9', SIM_RUNS: '2' })).toEqual([9])
  expect(all(3, { SIM_RUNS: '2', SIM_TIME: '1h' })).toEqual([1, 2])
  expect(all(3, { SIM_TIME: '0.000001ms' })).toEqual([1])
  expect(() => seedSettings({ SIM_RUNS: 'many' })).toThrow('SIM_RUNS')
})

test('threads that share seeds take each once, in order', () => {
  const share = createSeedShare({ from: 10, count: 5 })
  const [one, two] = [takeSeeds(share), takeSeeds(share)]
  expect([one.next().value, two.next().value, one.next().value]).toEqual([10, 11, 12])
  expect([...two, ...one]).toEqual([13, 14])
  expect([...takeSeeds(share)]).toEqual([])
})

test('seeds of a list, until told to stop', () => {
  const share = createSeedShare([4, 2, 9])
  const seeds = takeSeeds(share)
  expect([seeds.next().value, seeds.next().value]).toEqual([4, 2])
  stopSeeds(share)
  expect(seeds.next().done).toBe(true)
})
