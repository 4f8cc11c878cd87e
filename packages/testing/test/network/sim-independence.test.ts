import { describe, expect, it } from 'vitest'
import type { SimNetwork } from '../../src/network/sim-network.ts'
import { createWorld, type SimWorldOptions, type TestLink } from './sim-world.ts'

const varying: SimWorldOptions = { jitter: true, rtt: { rtt: () => ({ p50Ms: 80, p95Ms: 120 }) } }

/** How long each of 50 frames from x-1 to z-1 took, while x-1 talks to y-1 too. */
async function latencies(
  options: SimWorldOptions,
  break_: (network: SimNetwork) => void = () => {},
): Promise<number[]> {
  const world = await createWorld({ ...varying, ...options })
  break_(world.network)
  const a = await world.start('x-1')
  await world.start('y-1')
  const c = await world.start('z-1')
  const giveUp = new AbortController()
  const toB = a.transport.dial('sim:y-1', 'y-1', giveUp.signal).catch(() => undefined)
  const toC = await a.dial('z-1')
  await world.pass(3_000)
  giveUp.abort()
  const linkToB = await world.driven(toB)
  const sentMs: number[] = []
  for (let n = 0; n < 50; n += 1) {
    linkToB?.lane(0).send(Uint8Array.of(n))
    sentMs.push(world.nowMs)
    toC.link.lane(0).send(Uint8Array.of(n))
    // Longer than any takes, so that none waits for the one before.
    await world.pass(3_000)
  }
  const [theirs] = c.accepted as [TestLink]
  return theirs.came.map(({ atMs, first }) => Math.round((atMs - (sentMs[first] as number)) * 1_000))
}

describe('latency', () => {
  it('is the same again for the same seed, and another for another', async () => {
    const first = await latencies({ seed: 5 })
    expect(first).toHaveLength(50)
    expect(new Set(first).size).toBeGreaterThan(40)
    expect(await latencies({ seed: 5 })).toEqual(first)
    expect(await latencies({ seed: 6 })).not.toEqual(first)
  })

  it('of a path does not change with faults on others', async () => {
    const undisturbed = await latencies({})
    const faults = (network: SimNetwork): void => {
      network.apply('cut', { kind: 'partition', from: ['y'], to: ['rest'], oneWay: false })
      network.apply('loss', { kind: 'loss', from: ['y'], to: ['x'], loss: 0.5, duplicate: 0.5, reorder: 0.5 })
    }
    expect(await latencies({}, faults)).toEqual(undisturbed)
  })

  it('of a path does not change with the nodes that there are beside', async () => {
    const named = (names: string[]): SimWorldOptions => ({
      nodes: names.map((name) => ({ name, region: name.slice(0, 1) })),
    })
    const few = await latencies(named(['x-1', 'y-1', 'z-1']))
    expect(await latencies(named(['w-1', 'w-2', 'x-1', 'v-1', 'y-1', 'z-1']))).toEqual(few)
  })

  it('does not vary where it is told not to', async () => {
    const all = await latencies({ jitter: false })
    expect(all).toEqual(all.map(() => 40_001))
  })

  it('is higher for the whole run on some paths', async () => {
    const world = await createWorld({ ...varying, rtt: { rtt: () => ({ p50Ms: 80, p95Ms: 80 }) }, slowPathChance: 1 })
    const a = await world.start('x-1')
    await world.start('z-1')
    await a.dial('z-1')
    expect(world.nowMs).toBeGreaterThan(88)
    expect(world.network.rttMs('x-1', 'z-1')).toBe(80)
  })
})
