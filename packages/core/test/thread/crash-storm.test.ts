import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ThreadInfo } from '@skerry/core'
import { expect, it } from 'vitest'
import { rage, startStorm } from '../../../../test/soak/storm.mjs'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What may not grow. */
function held(infos: readonly ThreadInfo[]) {
  return infos.map(({ thread, stats }) => {
    const { actors, edges, awayCalls, names } = stats ?? {}
    return { thread, actors, edges, awayCalls, names }
  })
}

function heapMb(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

it('[thread] 100,000 random exits, kills, links and restarts over two threads leave nothing behind', async () => {
  const storm = await startStorm(7)
  const before = held(await rage(storm, 2_000))
  const resources = process.getActiveResourcesInfo().length
  const heaps: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const infos = await rage(storm, 25_000)
    expect(held(infos)).toEqual(before)
    heaps.push(heapMb())
  }
  expect(before.map(({ thread }) => thread)).toEqual([0, 1, 2])
  for (const { edges, awayCalls } of before) expect([edges, awayCalls]).toEqual([0, 0])
  const { stats } = (await storm.node.threads())[0] as ThreadInfo
  expect(stats?.counters.restarts).toBeGreaterThan(10_000)
  // The deadlines of calls, of which there is one timer a duration, may still be armed.
  expect(process.getActiveResourcesInfo().length).toBeLessThan(resources + 5)
  expect((heaps[3] as number) - (heaps[1] as number)).toBeLessThan(4)
  await storm.node.stop()
}, 120_000)
