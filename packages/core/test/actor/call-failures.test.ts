import { describe, expect, it } from 'vitest'
import {
  answerUndecodable,
  argsUnencodable,
  calleeLost,
  callingSelf,
  nobodyHasName,
  noSuchActor,
} from '../../src/actor/call-failures.ts'
import type { Failure, Outcome } from '../../src/actor/signal.ts'

const node = { node: 'b', life: 1 }

const told: [when: string, failure: Failure, code: string, outcome: Outcome, message: RegExp][] = [
  ['nobody has the name', nobodyHasName, 'ERR_NOPROC', 'not-run', /^Nobody has that name$/],
  ['there is no such actor', noSuchActor, 'ERR_NOPROC', 'not-run', /^No such actor$/],
  ['it calls itself', callingSelf, 'ERR_CALLING_SELF', 'not-run', /for ever/],
  ['its arguments can not travel', argsUnencodable(new Error('a function')), 'ERR_NOT_ENCODABLE', 'not-run', /^a func/],
  ['the node is gone', calleeLost(node, 'noconnection'), 'ERR_NOCONNECTION', 'unknown', /node b was lost/],
  [
    'the thread is gone',
    calleeLost({ ...node, thread: 0 }, 'threadlost'),
    'ERR_CALLEE_EXITED',
    'unknown',
    /thread ended/,
  ],
  ['the answer can not be read', answerUndecodable(new Error('cut off')), 'ERR_NOT_DECODABLE', 'ran', /cut off/],
]

describe('a call of an actor', () => {
  it.each(told)('is told what its own thread knows when %s', (_when, failure, code, outcome, message) => {
    expect([failure.code, failure.outcome]).toEqual([code, outcome])
    expect(failure.message).toMatch(message)
  })

  it('is told why', () => {
    expect([nobodyHasName.reason, noSuchActor.reason, calleeLost(node, 'noconnection').reason]).toEqual([
      'noproc',
      'noproc',
      'noconnection',
    ])
    expect(argsUnencodable(new TypeError('a function')).cause).toMatchObject({ name: 'TypeError' })
  })
})
