import { describe, expect, it } from 'vitest'
import { nextRttFloor, noRttFloor } from '../../src/mesh/rtt-floor.ts'
import { observe } from './peer-links-observed.ts'
import { addressOf, constantDelays, seededRandom, World } from './peer-links-world.ts'

describe('the least round-trip time that a transport is told', () => {
  it('is known from the fourth sample on, and is the least', () => {
    expect(told([90, 70, 300])).toEqual([])
    expect(told([90, 70, 300, 80])).toEqual([70])
  })

  it('is told again once it is less by more than a quarter', () => {
    expect(told([100, 100, 100, 100, 76, 74, 60, 50])).toEqual([100, 74, 50])
  })

  it('is not told again for what is little in milliseconds', () => {
    expect(told([1, 1, 1, 1, 0.3, 0.1])).toEqual([1])
  })

  it('grows only when for a whole span nothing was as quick', () => {
    const usual = Array<number>(120).fill(2)
    const busy = Array<number>(120).fill(60)
    expect(told([...usual, ...busy])).toEqual([2])
    expect(told([...usual, ...busy.with(7, 2), ...busy])).toEqual([2])
    expect(told([...usual, ...busy, 60])).toEqual([2, 60])
  })

  it('reaches both ends of a link, after four heartbeats', async () => {
    const world = new World({ random: seededRandom(1), delays: constantDelays(75) })
    const [a, b] = [observe({ world, node: 'a' }), observe({ world, node: 'b' })]
    await Promise.all([a.links.start(), b.links.start()])
    a.links.learn(addressOf('b'), 'b')
    await world.pass(1_500)
    const link = world.links[0]
    expect([link?.near.leastRtts, link?.far.leastRtts]).toEqual([[], []])
    await world.pass(3_000)
    expect([link?.near.leastRtts, link?.far.leastRtts]).toEqual([[150], [150]])
  })
})

function told(samples: readonly number[]): number[] {
  const told: number[] = []
  let floor = noRttFloor
  for (const sample of samples) {
    const { toldMs } = floor
    floor = nextRttFloor(floor, sample)
    if (floor.toldMs !== undefined && floor.toldMs !== toldMs) told.push(floor.toldMs)
  }
  return told
}
