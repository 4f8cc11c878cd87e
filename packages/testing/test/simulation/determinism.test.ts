import { resolveCase, runCase, type RunOptions, type RunResult, type TraceEvent } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { insert, simulation } from './shop.ts'

const options = simulation({
  faults: 'all',
  durationMs: 8_000,
  healMs: 20_000,
  workload: (sim) => sim.clients(3, (client) => client.rpcPrimary(insert, client.op)),
})

function runSeed(seed: number, runOptions?: RunOptions): Promise<RunResult> {
  return runCase(options, resolveCase(options, seed), runOptions)
}

function withoutCaptions(events: readonly TraceEvent[]): TraceEvent[] {
  return events.map((event) => ({ ...event, msg: '' }))
}

describe('a seed', () => {
  it('gives the same run each time, whatever is recorded of it', async () => {
    const usual = await runSeed(5)
    expect(usual.failure).toBeUndefined()
    expect(await runSeed(5)).toEqual(usual)
    for (const runOptions of [{ trace: true }, { stacks: true }, { watchEscapes: true }]) {
      const { trace, steps, lastEvents, ...same } = await runSeed(5, runOptions)
      const { lastEvents: usualLast, ...rest } = usual
      expect(same).toEqual(rest)
      // Only a whole trace has the values of operations in its captions.
      expect(withoutCaptions(lastEvents)).toEqual(withoutCaptions(usualLast))
      expect(trace !== undefined).toBe('trace' in runOptions)
      expect(steps !== undefined).toBe('stacks' in runOptions)
    }
  })

  it('gives other runs than its neighbours', async () => {
    const hashes: string[] = []
    for (let seed = 1; seed <= 6; seed += 1) hashes.push((await runSeed(seed)).hash)
    expect(new Set(hashes).size).toBe(6)
  })

  it('gives the same run, also without a hash', async () => {
    const { hash, ...usual } = await runSeed(5)
    const { hash: none, ...same } = await runSeed(5, { hash: false })
    expect(same).toEqual(usual)
    expect(none).not.toBe(hash)
  })
})

it('a trace holds every event in order, and each names an earlier one as its cause', async () => {
  const { trace, lastEvents, hash } = await runSeed(5, { trace: true })
  const events = trace?.events ?? []
  expect(events.length).toBeGreaterThan(1_000)
  expect(events.map(({ i }) => i)).toEqual(events.map((_, i) => i))
  expect(events.every(({ i, cause }) => cause >= -1 && cause < i)).toBe(true)
  expect(events.every(({ t }, i) => Number.isInteger(t) && t >= (events[i - 1]?.t ?? 0))).toBe(true)
  expect(events.slice(-20)).toEqual(lastEvents)
  expect(trace?.header).toMatchObject({ name: 'market', seed: 5, hash })
})

it('globals are put back when a run is over', async () => {
  const before = [Date.now, Math.random, setTimeout, process.nextTick, queueMicrotask]
  await runSeed(5)
  expect([Date.now, Math.random, setTimeout, process.nextTick, queueMicrotask]).toEqual(before)
})

it.each([
  ['no node', { regions: {} }, 'ERR_BAD_SIMULATION'],
  ['only regions without nodes', { regions: { syd: 0 } }, 'ERR_BAD_SIMULATION'],
  ['a primary region without a node', { primary: 'fra' }, 'ERR_BAD_SIMULATION'],
  [
    'a fault at a place that is not there',
    { faults: [{ kind: 'pause', node: 'fra-1', atMs: 0, forMs: 1 }] },
    'ERR_BAD_FAULT',
  ],
] as const)('a definition with %s is refused', (_what, more, code) => {
  expect(() => resolveCase(simulation(more), 1)).toThrow(expect.objectContaining({ code }))
})

it.each([1, 2, 10, 100, 1_000])('a seed can be resolved for a safety phase of %d ms', (durationMs) => {
  for (let seed = 0; seed < 30; seed += 1) resolveCase(simulation({ faults: 'all', durationMs }), seed)
})
