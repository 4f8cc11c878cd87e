import { describe, expect, it } from 'vitest'
import type { Pid } from '../../src/actor/pid.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { answerUndeliverable } from '../../src/actor/undeliverable.ts'

const from: Pid = { node: 'a', life: 1, thread: 0, serial: 1 }
const to: Pid = { node: 'b', life: 2, thread: 3, serial: 4 }
const request = {
  procedure: 'p',
  version: 1,
  timeLeftMs: 100,
  idempotencyKey: undefined,
  callerRegion: 'lax',
  input: new Uint8Array(0),
}

describe('a signal that can not be delivered', () => {
  it('is not answered for a spawn that nobody waits for', () => {
    const spawn: Signal = { type: 'spawn', from, to, request: { ...request, isCast: true } }
    expect(answerUndeliverable(spawn, 'noconnection')).toBeUndefined()
  })

  for (const reason of ['noproc', 'noconnection', 'threadlost'] as const) {
    it(`is answered for a link with an exit by the link: ${reason}`, () => {
      expect(answerUndeliverable({ type: 'link', from, to }, reason)).toEqual({
        type: 'exit',
        from: to,
        to: from,
        reason,
        viaLink: true,
      })
    })

    it(`is answered for a monitor with its DOWN: ${reason}`, () => {
      expect(answerUndeliverable({ type: 'monitor', from, to, ref: 9 }, reason)).toEqual({
        type: 'down',
        from: to,
        to: from,
        ref: 9,
        reason,
      })
    })
  }

  it('is answered for a call as not run, and says whether the actor or the way is missing', () => {
    const call: Signal = { type: 'call', from, to, ref: 9, name: 'read', args: [], encoded: false }
    const failure = (code: string, reason: string): object => ({
      type: 'reply',
      to: from,
      ref: 9,
      result: { ok: false, failure: { code, outcome: 'not-run', message: expect.any(String), reason } },
    })
    expect(answerUndeliverable(call, 'noproc')).toEqual(failure('ERR_NOPROC', 'noproc'))
    expect(answerUndeliverable(call, 'noconnection')).toEqual(failure('ERR_NOCONNECTION', 'noconnection'))
  })

  it('is answered for a spawn as not run, so that another node may be tried', () => {
    expect(answerUndeliverable({ type: 'spawn', from, to, request }, 'noconnection')).toMatchObject({
      type: 'reply',
      to: from,
      result: { ok: false, failure: { code: 'ERR_NODE_UNREACHABLE', outcome: 'not-run' } },
    })
  })

  it('is dropped for everything else: an answer to an answer would never end', () => {
    const others: Signal[] = [
      { type: 'message', to, message: 1, encoded: false },
      { type: 'cast', to, name: 'reset', args: [], encoded: false },
      { type: 'reply', to, ref: 1, result: { ok: true, value: 1, encoded: false } },
      { type: 'unlink', from, to },
      { type: 'exit', from, to, reason: 'kill', viaLink: false },
      { type: 'demonitor', from, to, ref: 1 },
      { type: 'down', from, to, ref: 1, reason: 'normal' },
      { type: 'cancel', from, to, reason: 'timeout' },
    ]
    for (const signal of others) expect(answerUndeliverable(signal, 'noproc')).toBeUndefined()
  })
})
