import { describe, expect, test } from 'vitest'
import { formatTrace, parseTrace } from '../../src/trace/jsonl.ts'
import type { Trace } from '../../src/trace/trace-event.ts'

const trace: Trace = {
  header: {
    name: 'shop',
    seed: -3,
    nodes: [{ name: 'syd-1', region: 'syd' }],
    durationUs: 20,
    hash: '00ff00ff',
    replay: 'npx skerry-sim replay shop.sim.js --seed -3',
    failure: { invariant: 'noLostOrders', message: 'two\nlines', t: 7, i: 1 },
  },
  events: [
    {
      i: 0,
      t: 5,
      node: '',
      kind: 'fault',
      cause: -1,
      msg: 'crash "syd-1"',
      until: 9,
    },
    { i: 1, t: 7, node: 'syd-1', kind: 'send', cause: 0, peer: 'lax-1' },
  ],
}

test('reads back what it wrote', () => {
  expect(parseTrace(formatTrace(trace))).toEqual(trace)
})

test('writes a line for the header and one for each event, keys in one order', () => {
  const { header, events } = trace
  const shuffled = {
    header,
    events: events.map((event) => Object.fromEntries(Object.entries(event).reverse())),
  }
  expect(formatTrace(shuffled as unknown as Trace)).toBe(formatTrace(trace))
  expect(formatTrace(trace).split('\n').slice(1)).toEqual([
    '{"i":0,"t":5,"node":"","kind":"fault","cause":-1,"msg":"crash \\"syd-1\\"","until":9}',
    '{"i":1,"t":7,"node":"syd-1","kind":"send","cause":0,"peer":"lax-1"}',
    '',
  ])
})

test('reads a trace of no events, with or without the last line feed', () => {
  const empty = { ...trace, events: [] }
  expect(parseTrace(formatTrace(empty).trimEnd())).toEqual(empty)
})

describe('names the first line that can not be', () => {
  const good = formatTrace(trace).trimEnd().split('\n')
  const event = (changed: object): string => JSON.stringify({ ...trace.events[1], ...changed })
  test.each([
    ['an empty text', 1, []],
    ['no JSON', 2, [good[0], '{']],
    ['a list', 2, [good[0], '[]']],
    ['an empty line', 3, [good[0], good[1], '', good[2]]],
    ['a header without nodes', 1, [JSON.stringify({ ...trace.header, nodes: undefined })]],
    ['a header with a failure of no kind', 1, [JSON.stringify({ ...trace.header, failure: null })]],
    ['a kind that is none', 3, [good[0], good[1], event({ kind: 'toString' })]],
    ['an event out of order', 3, [good[0], good[1], event({ i: 2 })]],
    ['time that runs back', 3, [good[0], good[1], event({ t: 4 })]],
    ['time in fractions', 3, [good[0], good[1], event({ t: 7.5 })]],
    ['an event that caused itself', 3, [good[0], good[1], event({ cause: 1 })]],
    ['a caption that is no text', 3, [good[0], good[1], event({ msg: 4 })]],
  ])('%s', (_, line, lines) => {
    expect(() => parseTrace(lines.join('\n'))).toThrow(
      expect.objectContaining({
        code: 'ERR_BAD_TRACE',
        message: expect.stringContaining(`Line ${line} `),
      }),
    )
  })
})
