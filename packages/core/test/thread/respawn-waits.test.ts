import { expect, it } from 'vitest'
import type { Random } from '../../src/platform/random.ts'
import { RespawnWaits } from '../../src/thread/respawn-waits.ts'

const longest = { float: () => 1 } as Random

it('a slot whose thread is lost has another one at once, and after growing waits when those are lost young', () => {
  const waits = new RespawnWaits(2, longest)
  const lost = (livedMs: number): number => {
    waits.lost(0, livedMs, 1_000)
    return waits.waitMs(0, 1_000)
  }
  expect(waits.waitMs(0, 1_000)).toBe(0)
  expect([lost(5), lost(5), lost(5), lost(0)]).toEqual([0, 100, 200, 400])
  expect(waits.waitMs(0, 1_300)).toBe(100)
  expect(waits.waitMs(0, 9_000)).toBe(0)
  expect(waits.waitMs(1, 1_000)).toBe(0)
})

it('one that lived for ten seconds starts the waits anew, and no wait is longer than 30 s', () => {
  const waits = new RespawnWaits(1, longest)
  for (let loss = 0; loss < 20; loss += 1) waits.lost(0, 9_999, 0)
  expect(waits.waitMs(0, 0)).toBe(30_000)
  waits.lost(0, 10_000, 0)
  expect(waits.waitMs(0, 0)).toBe(0)
})
