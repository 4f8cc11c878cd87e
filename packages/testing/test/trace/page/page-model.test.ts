import { expect, test } from 'vitest'
import { countBefore, createPageModel } from '../../../src/trace/page/page-model.ts'
import { filterEvents } from '../../../src/trace/page/event-filter.ts'
import type { Trace } from '../../../src/trace/trace-event.ts'

const nodes = [
  { name: 'syd-1', region: 'syd' },
  { name: 'lax-1', region: 'lax' },
  { name: 'syd-2', region: 'syd' },
]
const trace: Trace = {
  header: {
    name: 'shop',
    seed: 1,
    nodes,
    durationUs: 100,
    hash: '00',
    replay: '',
  },
  events: [
    {
      i: 0,
      t: 10,
      node: 'lax-1',
      kind: 'send',
      cause: -1,
      peer: 'syd-1',
      msg: 'Ping',
    },
    {
      i: 1,
      t: 20,
      node: 'syd-1',
      kind: 'recv',
      cause: 0,
      peer: 'lax-1',
      msg: 'Ping',
    },
    {
      i: 2,
      t: 55,
      node: 'syd-2',
      kind: 'recv',
      cause: 0,
      peer: 'lax-1',
      msg: 'Ping',
    },
    { i: 3, t: 60, node: 'unheard-of', kind: 'log', cause: -1 },
  ],
}

test('has the simulation first, then a lane for each node, region by region', () => {
  const model = createPageModel(trace)
  expect(model.lanes.map(({ name, events }) => [name, events])).toEqual([
    ['', [3]],
    ['syd-1', [1]],
    ['syd-2', [2]],
    ['lax-1', [0]],
  ])
  expect([...model.laneOf]).toEqual([3, 1, 2, 0])
})

test('knows every message that arrived and the longest flight', () => {
  const { messages, flightUsMax } = createPageModel(trace)
  expect(messages.map(({ send, recv }) => [send.i, recv.i])).toEqual([
    [0, 1],
    [0, 2],
  ])
  expect(flightUsMax).toBe(45)
})

test('counts what lies before a value, by halves', () => {
  const values = [1, 3, 3, 7]
  const before = [0, 1, 2, 3, 4, 7, 8].map((value) => countBefore(4, (index) => values[index]!, value))
  expect(before).toEqual([0, 0, 1, 1, 3, 3, 4])
})

test("a filter asks for all of its words, in any case and any of an event's texts", () => {
  const shown = (text: string): number[] => {
    return [
      ...filterEvents(trace.events, {
        text,
        hiddenKinds: new Set(),
        hiddenNodes: new Set(),
      }),
    ]
  }
  expect(shown('')).toEqual([1, 1, 1, 1])
  expect(shown(' PING syd ')).toEqual([1, 1, 1, 0])
  expect(shown('recv syd-2')).toEqual([0, 0, 1, 0])
})

test('a filter leaves out kinds and nodes', () => {
  const filter = {
    text: '',
    hiddenKinds: new Set(['log'] as const),
    hiddenNodes: new Set(['syd-1']),
  }
  expect([...filterEvents(trace.events, filter)]).toEqual([1, 0, 1, 0])
})
