import { expect, test } from 'vitest'
import { findDivergence, firstDifference, formatDivergence } from '../../src/runner/determinism.ts'
import type { RunResult } from '../../src/simulation/run-result.ts'
import type { TraceEvent } from '../../src/trace/trace-event.ts'
import { caseOf, eventOf, resultOf } from './fake-run.ts'

const simCase = caseOf(1)

function traced(events: readonly TraceEvent[], hashes: readonly number[] = events.map(({ i }) => i)): RunResult {
  const header = { name: 'x', seed: 1, nodes: [], durationUs: 0, hash: '', replay: '' }
  const steps = hashes.map((hash, i) => ({ hash, stack: `Error: scheduled here\n    at step${i} (app.js:${i})` }))
  return resultOf(simCase, { trace: { header, events }, steps })
}

test('equal runs do not differ', () => {
  const events = [eventOf(0), eventOf(1)]
  expect(firstDifference(traced(events), traced(events))).toBeUndefined()
})

test('finds the first event that differs, with who scheduled it on each side', () => {
  const first = traced([eventOf(0), eventOf(1), eventOf(2)])
  const second = traced([eventOf(0), eventOf(1, { t: 7 }), eventOf(2, { t: 9 })])
  const found = firstDifference(first, second)
  expect(found?.index).toBe(1)
  expect(found?.first.event?.t).toBe(1_000)
  expect(found?.second.event?.t).toBe(7)
  expect(found?.second.stack).toContain('step1')
})

test('a payload that the trace does not show differs by its hash', () => {
  const events = [eventOf(0), eventOf(1)]
  const found = firstDifference(traced(events, [5, 6]), traced(events, [5, 8]))
  expect(found?.index).toBe(1)
  if (found !== undefined) expect(formatDivergence(found)).toContain('but for its payload')
})

test('a run that ends earlier differs where it ends', () => {
  const found = firstDifference(traced([eventOf(0)]), traced([eventOf(0), eventOf(1)]))
  expect(found?.index).toBe(1)
  expect(found?.first.event).toBeUndefined()
  if (found !== undefined) expect(formatDivergence(found)).toContain('run 1 (was over)')
})

test('shows both events and leaves the frames of the kernel out', () => {
  const side = (t: number): { event: TraceEvent; stack: string } => ({
    event: eventOf(3, { t, kind: 'recv', peer: 'lax-1', msg: 'ping' }),
    stack: 'Error: scheduled here\n    at SimKernel.schedule (x/kernel/sim-kernel.js:9:1)\n    at guilty (app.js:3:4)',
  })
  expect(formatDivergence({ index: 3, first: side(1_000), second: side(2_000_000) })).toBe(
    [
      'two runs of this case part at event 3:',
      'run 1 3  0.001000  syd-1  recv  <- lax-1  ping',
      '    at guilty (app.js:3:4)',
      'run 2 3  2.000000  syd-1  recv  <- lax-1  ping',
      '    at guilty (app.js:3:4)',
    ].join('\n'),
  )
})

test('runs twice with traces and stacks, deep ones, and puts their limit back', async () => {
  const before = Error.stackTraceLimit
  const limits: number[] = []
  let t = 0
  const found = await findDivergence((_simCase, options) => {
    limits.push(Error.stackTraceLimit)
    expect(options).toEqual({ trace: true, stacks: true })
    return Promise.resolve(traced([eventOf(0, { t: (t += 1) })]))
  }, simCase)
  expect(found?.index).toBe(0)
  expect(limits).toHaveLength(2)
  expect(Math.min(...limits)).toBeGreaterThan(before)
  expect(Error.stackTraceLimit).toBe(before)
})
