import { describe, expect, it } from 'vitest'
import type { Signal, SpawnRequest } from '../../src/actor/signal.ts'
import { answerUnsent, overloaded, tooLarge, unencodable } from '../../src/mesh/unsent.ts'

const to = { node: 'b', life: 1, thread: 0, serial: 3 }
const from = { node: 'a', life: 1, thread: 0, serial: 4 }
const request = {} as SpawnRequest
const failed = { ok: false, failure: overloaded }

describe('who is told of a signal that was not sent', () => {
  const told: [what: string, signal: Signal, answer: Signal | undefined][] = [
    [
      'the caller of a call',
      { type: 'call', to, from, ref: 7, name: 'add', args: [], encoded: false },
      { type: 'reply', to: from, ref: 7, result: { ok: false, failure: overloaded } },
    ],
    [
      'the call of a request',
      { type: 'spawn', to, from, request },
      { type: 'reply', to: from, ref: 0, result: { ok: false, failure: overloaded } },
    ],
    [
      'nobody, of a request that nobody waits for',
      { type: 'spawn', to, from, request: { ...request, isCast: true } },
      undefined,
    ],
    [
      'the sender of an item, whose stream has a hole now',
      { type: 'item', to, from, seq: 3, item: new Uint8Array(1) },
      { type: 'reply', to: from, ref: 0, result: { ok: false, failure: overloaded } },
    ],
    [
      'who waits for a result: it ran',
      { type: 'reply', to, ref: 7, result: { ok: true, value: 1, encoded: false } },
      { type: 'reply', to, ref: 7, result: { ok: false, failure: { ...overloaded, outcome: 'ran' } } },
    ],
    ['nobody, of a failure', { type: 'reply', to, ref: 7, result: { ok: false, failure: overloaded } }, undefined],
    ['nobody, of a message', { type: 'message', to, message: 1, encoded: false }, undefined],
    ['nobody, of a cast', { type: 'cast', to, name: 'add', args: [], encoded: false }, undefined],
    ['nobody, of the end of an actor', { type: 'down', from, to, ref: 1, reason: 'normal' }, undefined],
  ]
  it.each(told)('%s', (_what, signal, answer) => {
    expect(answerUnsent(signal, overloaded)).toEqual(answer)
  })

  it('is told once: of the failure that took the place of a result nobody is', () => {
    const reply: Signal = { type: 'reply', to, ref: 7, result: { ok: true, value: 1, encoded: false } }
    const instead = answerUnsent(reply, overloaded)
    expect(instead).toMatchObject({ result: { ...failed, failure: { outcome: 'ran' } } })
    expect(answerUnsent(instead as Signal, overloaded)).toBeUndefined()
  })
})

describe('why a signal was not sent', () => {
  it('is said with what it had and what is taken', () => {
    expect(tooLarge(12, 10)).toEqual({
      code: 'ERR_FRAME_TOO_LARGE',
      outcome: 'not-run',
      message: 'The message has 12 bytes; a node takes 10, or what its bodyBytesMax says',
    })
  })

  it('is said with what the codec threw, whatever that is', () => {
    expect(unencodable(new TypeError('a function'))).toMatchObject({
      code: 'ERR_NOT_ENCODABLE',
      outcome: 'not-run',
      message: 'a function',
      cause: { name: 'TypeError' },
    })
    expect(unencodable('no')).toMatchObject({ message: 'no' })
  })
})
