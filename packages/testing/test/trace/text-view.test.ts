import { expect, test } from 'vitest'
import { eventLines, traceText } from '../../src/trace/text-view.ts'
import type { TraceEvent } from '../../src/trace/trace-event.ts'

const events: readonly TraceEvent[] = [
  { i: 9, t: 1_000, node: '', kind: 'fault', cause: -1, msg: 'crash syd-1' },
  {
    i: 10,
    t: 12_000_001,
    node: 'syd-1',
    kind: 'send',
    cause: 9,
    peer: 'lax-1',
    msg: 'ping',
  },
  {
    i: 11,
    t: 12_000_001,
    node: 'lax-1',
    kind: 'recv',
    cause: 10,
    peer: 'syd-1',
    msg: 'ping',
  },
]

test('aligns what belongs together', () => {
  expect(eventLines(events)).toEqual([
    ' 9   0.001000  (sim)  fault            crash syd-1',
    '10  12.000001  syd-1  send   -> lax-1  ping',
    '11  12.000001  lax-1  recv   <- syd-1  ping',
  ])
  expect(eventLines([])).toEqual([])
})

test('lets no caption end its line or command the terminal', () => {
  const [line] = eventLines([
    {
      i: 0,
      t: 0,
      node: 'a\u001b',
      kind: 'log',
      cause: -1,
      msg: 'x\n\u001b[2J\u202ey\u007f',
    },
  ])
  expect(line).toBe('0  0.000000  a\\u001b  log    x\\u000a\\u001b[2J\\u202ey\\u007f')
})

test('begins a whole trace with what ran, what failed and how to run it again', () => {
  const failure = {
    invariant: 'noLostOrders',
    message: 'order 4 is gone',
    t: 12_000_001,
    i: 11,
  }
  const header = {
    name: 'shop',
    seed: 4,
    nodes: [],
    durationUs: 0,
    hash: 'ab12',
    replay: 'npx skerry-sim replay x',
    failure,
  }
  expect(traceText({ header, events }).split('\n')).toEqual([
    'shop  seed 4  hash ab12  3 events',
    'failed  noLostOrders: order 4 is gone',
    'replay  npx skerry-sim replay x',
    ...eventLines(events),
  ])
})
