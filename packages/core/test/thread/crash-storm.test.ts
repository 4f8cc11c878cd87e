import { expect, it } from 'vitest'
import { leaks, rage, startStorm, violence } from '../../../../test/soak/storm.mjs'

it('[thread] 100,000 random exits, kills, crashes, links and restarts over two threads leave nothing behind', async () => {
  const storm = await startStorm(7)
  const first = await rage(storm, 2_000)
  expect(first.map(({ kind }) => kind)).toEqual(['main', 'pool', 'pool'])
  for (const { edges, awayCalls } of first) expect([edges, awayCalls]).toEqual([0, 0])
  for (let round = 0; round < 5; round += 1) expect(leaks(first, await rage(storm, 25_000))).toEqual([])
  const { total, restarts } = await violence(storm)
  expect(total).toBeGreaterThan(100_000)
  expect(restarts).toBeGreaterThan(10_000)
  expect(storm.node.counters().stuckThreads).toBeGreaterThan(0)
  await storm.node.stop()
}, 300_000)
