import { describe, expect, it } from 'vitest'
import { Exit, isCleanExit, printReason, reasonOfThrown } from '../../src/actor/exit-reason.ts'
import { errorData } from '../../src/base/error-data.ts'

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
})
