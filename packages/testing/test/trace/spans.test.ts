import { expect, test } from 'vitest'
import { downSpans, faultSpans, traceEndUs } from '../../src/trace/spans.ts'
import type { Trace, TraceEvent } from '../../src/trace/trace-event.ts'

test('a fault lasts until it is healed, else until its end, else until the end of the run', () => {
  const trace = traceOf([
    {
      t: 10,
      kind: 'fault',
      msg: 'clog {syd}|{rest} +5 ms 0.000s..1.000s',
      until: 90,
    },
    { t: 20, kind: 'fault', msg: 'pause fra-1 0.000s..1.000s', until: 60 },
    { t: 30, kind: 'fault', msg: 'crash lax-1 0.000s..the end' },
    { t: 40, kind: 'fault', msg: 'reset {syd-1}|{fra} at 0.000s' },
    { t: 40, kind: 'heal', cause: 3 },
    { t: 50, kind: 'heal', cause: 0 },
    { t: 80, kind: 'log' },
  ])
  expect(faultSpans(trace).map(({ fromUs, untilUs, nodes }) => [fromUs, untilUs, nodes])).toEqual([
    [10, 50, ['syd-1', 'syd-2']],
    [20, 60, ['fra-1']],
    [30, 80, ['lax-1']],
    [40, 40, ['syd-1', 'fra-1']],
  ])
})

test('a node is down before it boots, and from its crash or stop until it boots again', () => {
  const trace = traceOf([
    { t: 5, kind: 'boot', node: 'syd-1' },
    { t: 6, kind: 'boot', node: 'syd-1', msg: 'up' },
    { t: 7, kind: 'boot', node: 'lax-1' },
    { t: 20, kind: 'crash', node: 'syd-1' },
    { t: 25, kind: 'stop', node: 'syd-1' },
    { t: 30, kind: 'boot', node: 'syd-1' },
    { t: 40, kind: 'stop', node: 'lax-1' },
    { t: 50, kind: 'log' },
  ])
  expect(downSpans(trace)).toEqual([
    { node: 'syd-1', fromUs: 0, untilUs: 5 },
    { node: 'lax-1', fromUs: 0, untilUs: 7 },
    { node: 'syd-1', fromUs: 20, untilUs: 30 },
    { node: 'lax-1', fromUs: 40, untilUs: 50 },
  ])
})

test('a trace without boots has nodes that are up, and one without events ends with its run', () => {
  expect(downSpans(traceOf([{ t: 5, kind: 'log', node: 'syd-1' }]))).toEqual([])
  expect(traceEndUs(traceOf([]))).toBe(100)
})

function traceOf(events: readonly (Partial<TraceEvent> & Pick<TraceEvent, 't' | 'kind'>)[]): Trace {
  const nodes = ['syd-1', 'syd-2', 'lax-1', 'fra-1'].map((name) => ({
    name,
    region: name.slice(0, 3),
  }))
  const header = {
    name: 'shop',
    seed: 1,
    nodes,
    durationUs: 100,
    hash: '00',
    replay: '',
  }
  return {
    header,
    events: events.map((event, i) => ({ i, node: '', cause: -1, ...event })),
  }
}
