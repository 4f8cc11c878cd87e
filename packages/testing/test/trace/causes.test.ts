import { expect, test } from 'vitest'
import { causalChain, sendOf } from '../../src/trace/causes.ts'
import type { TraceEvent, TraceKind } from '../../src/trace/trace-event.ts'

const events = [
  event(0, 'step', -1, ''),
  event(1, 'turn', -1, 'syd-1'),
  event(2, 'send', 1, 'syd-1'),
  event(3, 'timer', 0, 'lax-1'),
  event(4, 'recv', 2, 'lax-1'),
  event(5, 'recv', 2, 'syd-1'),
  event(6, 'recv', 3, 'syd-1'),
]

test('follows causes back to the first one', () => {
  expect(causalChain(events, 4).map(({ i }) => i)).toEqual([1, 2, 4])
  expect(causalChain(events, 1).map(({ i }) => i)).toEqual([1])
})

test('begins where a piece of a trace begins', () => {
  expect(causalChain(events.slice(2), 4).map(({ i }) => i)).toEqual([2, 4])
})

test('is empty for an event that is not there', () => {
  expect(causalChain(events, 7)).toEqual([])
  expect(causalChain(events, -1)).toEqual([])
  expect(causalChain([], 0)).toEqual([])
})

test('ends where an event says that it caused itself', () => {
  expect(causalChain([event(0, 'turn', 1, 'a'), event(1, 'turn', 0, 'a')], 1).map(({ i }) => i)).toEqual([0, 1])
})

test('finds the send of an arrival that crossed from one node to another, and of nothing else', () => {
  expect(events.map((one) => sendOf(events, one)?.i)).toEqual([...Array<undefined>(4), 2, undefined, undefined])
})

function event(i: number, kind: TraceKind, cause: number, node: string): TraceEvent {
  return { i, t: i * 10, node, kind, cause }
}
