import { describe, expect, it } from 'vitest'
import { CallError } from '../../src/actor/errors.ts'
import { errorData } from '../../src/base/error-data.ts'
import { isCaughtUp, noReplica, type WaitEnd } from '../../src/rpc/replica-answer.ts'

const written = { value: 'order', token: '0/1', replicated: false }
const failed = (code: string, reason?: string): WaitEnd => ({
  failed: new CallError({ code, outcome: 'unknown', message: code, ...(reason !== undefined && { reason }) }),
})

describe('a wait for the replica', () => {
  const known: [what: string, end: WaitEnd, isCaughtUp: boolean][] = [
    ['has it when its watcher says so', { answer: 'reached' }, true],
    ['was too short when its watcher says so', { answer: 'late' }, false],
    ['was too short when its watcher says nothing in time', failed('ERR_CALL_TIMEOUT'), false],
  ]
  it.each(known)('%s', (_what, end, expected) => {
    expect(isCaughtUp(end, written)).toBe(expected)
  })

  const unknown: [what: string, end: WaitEnd, code: string][] = [
    ['was aborted', { aborted: new Error('enough') }, 'ERR_WAIT_ABORTED'],
    ['finds no replica', { answer: 'noReplica' }, 'ERR_NO_REPLICA'],
    ['finds no watcher', failed('ERR_NOPROC'), 'ERR_NO_REPLICA'],
    ['is one of too many', { answer: 'full' }, 'ERR_OVERLOADED'],
    ['finds its watcher flooded', failed('ERR_MAILBOX_FULL'), 'ERR_OVERLOADED'],
    ['ends with its node', failed('ERR_CALLEE_EXITED', 'shutdown'), 'ERR_NODE_STOPPED'],
    ['outlives its watcher', failed('ERR_CALLEE_EXITED', 'killed'), 'ERR_REPLICA_FAILED'],
    [
      'hears that the replica could not be asked',
      { answer: { failed: errorData(new Error('no')) } },
      'ERR_REPLICA_FAILED',
    ],
  ]
  it.each(unknown)('knows nothing when it %s, and says what stays written', (_what, end, code) => {
    expect(() => isCaughtUp(end, written)).toThrow(expect.objectContaining({ code, written }))
  })

  it('says why it knows nothing', () => {
    const cause = new Error('enough')
    expect(() => isCaughtUp({ aborted: cause })).toThrow(expect.objectContaining({ cause, written: undefined }))
    const refused: WaitEnd = { answer: { failed: errorData(new Error('no such table')) } }
    expect(() => isCaughtUp(refused)).toThrow('The replica could not be asked: no such table')
    expect(noReplica().message).toContain('give `replica` to startNode')
  })
})
