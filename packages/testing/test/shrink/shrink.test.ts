import { describe, expect, it } from 'vitest'
import type { Fault } from '../../src/fault/fault.ts'
import { shrinkCase } from '../../src/shrink/shrink.ts'
import type { RunFailure, RunResult } from '../../src/simulation/run-result.ts'
import type { SimCase } from '../../src/simulation/sim-case.ts'

const nodes = ['syd-1', 'syd-2', 'lax-1', 'fra-1', 'fra-2'].map((name) => ({ name, region: name.slice(0, 3) }))
const crash: Fault = { kind: 'crash', node: 'lax-1', files: 'torn', silent: true, atMs: 4_321, forMs: 3_210 }
const pause: Fault = { kind: 'pause', node: 'syd-1', atMs: 6_543, forMs: 1_987 }
const whole: SimCase = {
  seed: 7,
  nodes,
  durationMs: 90_000,
  safetyMs: 60_000,
  faults: [
    ...Array.from({ length: 9 }, (_, n): Fault => ({ kind: 'pause', node: 'fra-1', atMs: n * 1_000 + 77, forMs: 500 })),
    crash,
    { kind: 'partition', from: ['fra', 'syd-2'], to: ['lax', 'rest'], oneWay: true, atMs: 5_000, forMs: 9_000 },
    pause,
    { kind: 'reset', from: ['fra'], to: ['rest'], halfOpen: true, atMs: 70 },
  ],
}
// Eight clients with ten operations each.
const allOps = Array.from({ length: 80 }, (_, n) => `${n % 8}/${Math.floor(n / 8)}`)

/** A run that fails as the predicate says, and keeps what it was asked. */
function runOf(failureOf: (simCase: SimCase, done: ReadonlySet<string>) => Partial<RunFailure> | undefined): {
  run: (simCase: SimCase) => Promise<RunResult>
  asked: SimCase[]
} {
  const asked: SimCase[] = []
  const run = (simCase: SimCase): Promise<RunResult> => {
    asked.push(simCase)
    const ops = allOps.filter((op) => Number(op.split('/')[0]) < (simCase.clientsMax ?? Infinity))
    const failure = failureOf(simCase, new Set(ops.filter((op) => simCase.skippedOps?.includes(op) !== true)))
    return Promise.resolve({
      case: simCase,
      failure: failure && { invariant: 'kept', message: 'lost', atMs: 8_000, event: 100, ...failure },
      hash: '',
      events: 100,
      virtualMs: 8_000,
      ops,
      properties: [],
      escapes: [],
      lastEvents: [],
    })
  }
  return { run, asked }
}

function has(simCase: SimCase, kind: Fault['kind'], node: string): boolean {
  return simCase.faults.some((fault) => fault.kind === kind && 'node' in fault && fault.node === node)
}

/** Needs a crash of one node and a pause of another, two operations, and eight seconds. */
const needed = runOf((simCase, done) => {
  const isIt =
    has(simCase, 'crash', 'lax-1') &&
    has(simCase, 'pause', 'syd-1') &&
    done.has('1/4') &&
    done.has('0/2') &&
    simCase.durationMs >= 8_000
  return isIt ? {} : undefined
})

describe('a failing case', () => {
  it('is shrunk to what the failure needs', async () => {
    const { result, runs } = await shrinkCase(await needed.run(whole), needed.run, { runsMax: 400 })
    expect(runs).toBeLessThanOrEqual(400)
    const { case: small } = result
    expect(result.failure?.invariant).toBe('kept')
    expect(small.faults.map(({ kind }) => kind)).toEqual(['crash', 'pause'])
    expect(small.nodes.map(({ name }) => name)).toEqual(['syd-1', 'lax-1'])
    expect(small.clientsMax).toBe(2)
    const done = result.ops.filter((op) => small.skippedOps?.includes(op) !== true)
    expect(done.sort()).toEqual(['0/2', '1/4'])
    expect(small.durationMs).toBeLessThanOrEqual(9_000)
    expect([small.jitter, small.order]).toEqual([false, 'fifo'])
    // Weaker and rounder: the kinder sort, hardly any length, a round beginning.
    expect(small.faults).toEqual([
      { kind: 'crash', node: 'lax-1', files: 'keep', silent: false, atMs: 4_000, forMs: 1_000 },
      { kind: 'pause', node: 'syd-1', atMs: 7_000, forMs: 1_000 },
    ])
  })

  it('is shrunk in the same way each time', async () => {
    const first = await needed.run(whole)
    expect(await shrinkCase(first, needed.run)).toEqual(await shrinkCase(first, needed.run))
  })

  it('always fails by the same invariant, and by the same sort of error', async () => {
    const { run, asked } = runOf((simCase) => {
      if (simCase.faults.length < 5) return { invariant: 'another' }
      if (simCase.nodes.length < 4) return { message: 'ERR_NO_SUCH_NODE: There is no node lax-1' }
      return { message: `ERR_CALL_TIMEOUT: after ${simCase.faults.length} ms` }
    })
    const { result } = await shrinkCase(await run(whole), run)
    expect(asked.some(({ faults }) => faults.length < 5)).toBe(true)
    expect(asked.some((simCase) => simCase.nodes.length < 4)).toBe(true)
    expect(result.failure).toMatchObject({ invariant: 'kept', message: 'ERR_CALL_TIMEOUT: after 5 ms' })
    expect(result.case.nodes).toHaveLength(4)
  })

  it('that nothing helps with stays as it is', async () => {
    const text = JSON.stringify(whole)
    const { run } = runOf((simCase) => (JSON.stringify(simCase) === text ? {} : undefined))
    const { result } = await shrinkCase(await run(whole), run)
    expect(result.case).toEqual(whole)
  })

  it('that every smaller one fails like is shrunk to almost nothing', async () => {
    const { run } = runOf(() => ({ atMs: 10 }))
    const { result, runs } = await shrinkCase(await run(whole), run)
    expect(result.case).toMatchObject({ faults: [], clientsMax: 1, jitter: false, order: 'fifo' })
    expect(result.case.nodes).toHaveLength(1)
    expect(result.case.durationMs).toBeLessThanOrEqual(210)
    expect(runs).toBeLessThan(30)
  })

  it('of progress is healed sooner, and keeps the time that it had to get on', async () => {
    const { run } = runOf(({ durationMs }) => ({ invariant: 'progress', atMs: durationMs }))
    const { case: small } = (await shrinkCase(await run(whole), run)).result
    expect(small.safetyMs).toBeLessThanOrEqual(1_000)
    expect(small.durationMs - (small.safetyMs ?? 0)).toBe(30_000)
  })
})

describe('a budget', () => {
  it.each([0, 1, 7, 40])('of %d runs is not overdrawn, and what was found by then is the answer', async (runsMax) => {
    const first = await needed.run(whole)
    needed.asked.length = 0
    const { result, runs } = await shrinkCase(first, needed.run, { runsMax })
    expect(runs).toBe(runsMax)
    expect(needed.asked).toHaveLength(runsMax)
    expect(result.failure?.invariant).toBe('kept')
    if (runsMax === 0) expect(result).toBe(first)
  })

  it('of time is not overdrawn by more than one run', async () => {
    const first = await needed.run(whole)
    let now = 5_000
    needed.asked.length = 0
    const run = (simCase: SimCase): Promise<RunResult> => {
      now += 100
      return needed.run(simCase)
    }
    await shrinkCase(first, run, { budgetMs: 1_050, now: () => now })
    expect(needed.asked).toHaveLength(11)
  })

  it('is not spent on what changes nothing', async () => {
    const { run, asked } = runOf((simCase) => (simCase.faults.length === whole.faults.length ? {} : undefined))
    const { runs } = await shrinkCase(await run(whole), run)
    expect(runs).toBe(asked.length - 1)
    const repeated = asked.filter((simCase, at) => at > 0 && JSON.stringify(simCase) === JSON.stringify(asked[at - 1]))
    expect(repeated).toEqual([])
  })
})
