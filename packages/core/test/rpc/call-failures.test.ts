import { describe, expect, it } from 'vitest'
import type { Failure, Outcome } from '../../src/actor/signal.ts'
import {
  aborted,
  atNoNode,
  callerStopped,
  itemLost,
  nodeLost,
  primaryNotKnown,
  processEnded,
  refusedAgain,
  resultUndecodable,
  timedOut,
  waitedInVain,
} from '../../src/rpc/call-failures.ts'

const refusal: Failure = { code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'Too much to do' }
const lost = nodeLost('noconnection')

const told: [when: string, failure: Failure, code: string, outcome: Outcome, message: RegExp][] = [
  ['the connection went', lost, 'ERR_NODE_LOST', 'unknown', /lost while it had the request/],
  ['its time is over', timedOut, 'ERR_RPC_TIMEOUT', 'unknown', /No answer in time/],
  ['it was aborted', aborted('enough'), 'ERR_RPC_ABORTED', 'unknown', /Aborted by the caller/],
  ['its node was stopped', callerStopped('shutdown'), 'ERR_NODE_STOPPED', 'unknown', /calling node was stopped/],
  ['its result can not be read', resultUndecodable(new Error('x')), 'ERR_NOT_DECODABLE', 'ran', /not be decoded/],
  [
    'an item of its stream was not sent',
    itemLost(refusal),
    'ERR_OVERLOADED',
    'unknown',
    /^After the stream .*Too much/,
  ],
  ['it ends and no node has it', atNoNode(timedOut), 'ERR_RPC_TIMEOUT', 'not-run', /No answer in time/],
  ['it waited in vain', waitedInVain(refusal), 'ERR_OVERLOADED', 'not-run', /^Too much to do; it waited in vain$/],
  [
    'the newer primary did not become known',
    primaryNotKnown({ ...refusal, code: 'ERR_NOT_PRIMARY', primaryEpoch: 3 }),
    'ERR_NOT_PRIMARY',
    'not-run',
    /did not become known in time$/,
  ],
  ['it was refused when it asked again', refusedAgain(lost, refusal), 'ERR_NODE_LOST', 'unknown', /refused: Too much/],
  ['its process crashed', processEnded('oops', true), 'ERR_REMOTE_EXIT', 'ran', /oops/],
  ['its process crashed, and may not have begun', processEnded('oops', false), 'ERR_REMOTE_EXIT', 'unknown', /oops/],
  ['the thread of its process is gone', processEnded('threadlost', true), 'ERR_REMOTE_EXIT', 'unknown', /threadlost/],
  ['its deadline passed there', processEnded('timeout', true), 'ERR_RPC_TIMEOUT', 'ran', /deadline/],
  [
    'its deadline passed there, perhaps before it began',
    processEnded('timeout', false),
    'ERR_RPC_TIMEOUT',
    'unknown',
    /./,
  ],
]

describe('a call', () => {
  it.each(told)('is told what its own side knows when %s', (_when, failure, code, outcome, message) => {
    expect([failure.code, failure.outcome]).toEqual([code, outcome])
    expect(failure.message).toMatch(message)
  })

  it('is told why', () => {
    expect([lost, callerStopped('shutdown'), timedOut].map(({ reason }) => reason)).toEqual([
      'noconnection',
      'shutdown',
      'timeout',
    ])
    expect(aborted(new TypeError('enough')).cause).toMatchObject({ name: 'TypeError', message: 'enough' })
    expect(primaryNotKnown({ ...refusal, primaryEpoch: 3 }).primaryEpoch).toBe(3)
  })
})
