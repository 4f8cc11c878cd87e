import { describe, expect, it } from 'vitest'
import { RunLog } from '../../src/kernel/run-log.ts'
import type { TraceKind } from '../../src/trace/trace-event.ts'

interface Recorded {
  readonly t: number
  readonly node: number
  readonly kind: TraceKind
  readonly cause: number
  readonly digest: number
}

const first: Recorded = { t: 5, node: 1, kind: 'turn', cause: -1, digest: 7 }
const second: Recorded = { t: 9, node: 2, kind: 'recv', cause: 0, digest: 8 }

function hashOf(events: readonly Recorded[]): string {
  const log = new RunLog({ trace: false, hash: true })
  for (const { t, node, kind, cause, digest } of events) log.record(t, `n-${node}`, node, kind, cause, { digest })
  return log.hash
}

describe('the hash of a run', () => {
  it('is the same for the same events', () => {
    expect(hashOf([first, second])).toBe(hashOf([first, second]))
    expect(hashOf([first, second])).toMatch(/^[0-9a-f]{16}$/)
  })

  it.each<[string, Partial<Recorded>]>([
    ['time', { t: 6 }],
    ['time, by more than 32 bits', { t: 5 + 2 ** 32 }],
    ['node', { node: 2 }],
    ['kind', { kind: 'timer' }],
    ['cause', { cause: 0 }],
    ['digest', { digest: 6 }],
  ])('differs where one event differs in its %s', (_what, change) => {
    expect(hashOf([{ ...first, ...change }, second])).not.toBe(hashOf([first, second]))
  })

  it('differs where an event is missing, added or in another place', () => {
    const hashes = [[], [first], [first, second], [second, first], [first, first, second]].map(hashOf)
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('tells thousands of runs apart that differ in little', () => {
    const runs = Array.from({ length: 5_000 }, (_, n) => [{ ...first, digest: n % 50, t: Math.floor(n / 50) }, second])
    expect(new Set(runs.map(hashOf)).size).toBe(5_000)
  })
})

it('keeps the last twenty events, oldest first, without a trace', () => {
  const log = new RunLog({ trace: false, hash: false })
  for (let t = 0; t < 33; t += 1) log.record(t, 'syd-1', 1, 'turn', t - 1, { msg: () => `turn ${t}`, peer: 'lax-1' })
  expect(log.lastEvents().map(({ i }) => i)).toEqual(Array.from({ length: 20 }, (_, n) => n + 13))
  expect(log.lastEvents()[0]).toEqual({
    i: 13,
    t: 13,
    node: 'syd-1',
    kind: 'turn',
    cause: 12,
    msg: 'turn 13',
    peer: 'lax-1',
  })
  expect(log.trace()).toBeUndefined()
  expect(log.count).toBe(33)
})

it('makes a caption only when it is printed', () => {
  let made = 0
  const log = new RunLog({ trace: false, hash: true })
  log.record(0, 'syd-1', 1, 'turn', -1, { msg: () => `caption ${(made += 1)}` })
  expect(made).toBe(0)
  expect(log.lastEvents()[0]?.msg).toBe('caption 1')
})
