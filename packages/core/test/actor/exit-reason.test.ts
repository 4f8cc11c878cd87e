import { describe, expect, it } from 'vitest'
import {
  Exit,
  type ExitReason,
  isCleanExit,
  portableReason,
  printReason,
  reasonFrom,
  reasonOfThrown,
} from '../../src/actor/exit-reason.ts'
import { errorData } from '../../src/base/error-data.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'

describe('an exit reason', () => {
  it('is clean when it is normal or a shutdown', () => {
    for (const reason of ['normal', 'shutdown', { type: 'shutdown' }, { type: 'shutdown', why: 'deploy' }]) {
      expect(isCleanExit(reason)).toBe(true)
    }
  })

  it('is not clean otherwise', () => {
    const error = errorData(new Error('shutdown'))
    for (const reason of ['kill', 'killed', 'noproc', 'timeout', 'done', { type: 'normal' }, error]) {
      expect(isCleanExit(reason)).toBe(false)
    }
  })

  it('is what a thrown Exit says', () => {
    const reason = { type: 'shutdown', why: 'deploy' }
    expect(reasonOfThrown(new Exit(reason))).toBe(reason)
    expect(reasonOfThrown(new Exit('normal'))).toBe('normal')
  })

  it('is the error as data when anything else was thrown', () => {
    expect(reasonOfThrown(new RangeError('far'))).toMatchObject({ type: 'error', name: 'RangeError', message: 'far' })
    expect(reasonOfThrown('normal')).toMatchObject({ type: 'error', name: 'NonError', message: 'normal' })
  })

  it('prints in one line', () => {
    expect(printReason('normal')).toBe('normal')
    expect(printReason(errorData(new RangeError('far')))).toBe('RangeError: far')
    expect(printReason({ type: 'shutdown' })).toBe('{"type":"shutdown"}')
    expect(new Exit({ type: 'shutdown' }).message).toBe('exit: {"type":"shutdown"}')
  })

  it('prints also when JSON has no form for it', () => {
    expect(printReason({ type: 'full', bytes: 1n } as ExitReason)).toBe('{"type":"full",…}')
    expect(printReason({ type: 1n } as unknown as ExitReason)).toBe('object')
    expect(printReason(undefined as unknown as ExitReason)).toBe('undefined')
  })

  it('of a peer that only looks like an error becomes one that can not be read', () => {
    const error = errorData(new RangeError('far', { cause: new Error('near') }))
    for (const reason of ['normal', { type: 'shutdown' }, 7, null, error]) expect(reasonFrom(reason)).toBe(reason)
    const text = { toString: 1, valueOf: 1 }
    const none = { type: 'error', message: text }
    for (const reason of [none, { ...error, name: text }, { ...error, stack: 7 }, { ...error, cause: none }]) {
      expect(reasonFrom(reason)).toMatchObject({ type: 'error', name: 'UnreadableReason' })
    }
  })
})

describe('an exit reason for other threads and nodes', () => {
  const codec = msgpackCodec()
  const told = (reason: ExitReason): ExitReason => portableReason(reason, codec)

  it('is the reason itself where that can be carried', () => {
    for (const reason of ['normal', { type: 'shutdown', why: { deploy: 7n } }, errorData(new Error('e'))]) {
      expect(told(reason)).toBe(reason)
    }
  })

  it('says why not where it can not', () => {
    const reason = { type: 'custom', callback: () => 1 }
    expect(told(reason)).toMatchObject({
      type: 'error',
      name: 'UnportableReason',
      message: expect.stringMatching(/callback/),
    })
    expect(told({ type: 'custom', text: 'x'.repeat(100_000) } as ExitReason)).toMatchObject({
      name: 'UnportableReason',
    })
    expect(told('x'.repeat(100_000))).toMatchObject({ name: 'UnportableReason' })
  })

  it('is a huge error cut to its beginning, with its code', () => {
    const cause = errorData(new Error('y'.repeat(100_000)))
    const reason = { ...errorData(new RangeError('x'.repeat(100_000))), code: 'ERR_X', cause }
    const cut = told(reason)
    expect(cut).toMatchObject({
      type: 'error',
      name: 'RangeError',
      code: 'ERR_X',
      message: expect.stringMatching(/^x{2000}… /),
    })
    expect(cut).not.toHaveProperty('cause')
    expect(codec.encode(cut).length).toBeLessThan(16 * 1_024)
  })
})
