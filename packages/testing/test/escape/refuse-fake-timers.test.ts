import { mock } from 'node:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { refuseFakeTimers } from '../../src/escape/refuse-fake-timers.ts'

const undo: (() => void)[] = []
afterEach(() => {
  vi.useRealTimers()
  while (undo.length > 0) undo.pop()?.()
})

describe('refuseFakeTimers', () => {
  it('is content with the real ones', () => {
    expect(refuseFakeTimers).not.toThrow()
  })

  it.each(['Date', 'setTimeout', 'setInterval', 'setImmediate', 'performance'] as const)(
    'refuses a faked %s',
    (name) => {
      vi.useFakeTimers({ toFake: [name] })
      expect(refuseFakeTimers).toThrow(expect.objectContaining({ code: 'ERR_FAKE_TIMERS' }))
      vi.useRealTimers()
      expect(refuseFakeTimers).not.toThrow()
    },
  )

  it('refuses a system time that was set', () => {
    vi.setSystemTime(0)
    expect(refuseFakeTimers).toThrow(expect.objectContaining({ code: 'ERR_FAKE_TIMERS' }))
  })

  it.each(['Date', 'setTimeout', 'setImmediate'] as const)('refuses a %s mocked by node:test', (name) => {
    // Node warns that they are an experiment.
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    mock.timers.enable({ apis: [name] })
    warning.mockRestore()
    undo.push(() => mock.timers.reset())
    expect(refuseFakeTimers).toThrow(expect.objectContaining({ code: 'ERR_FAKE_TIMERS' }))
  })
})
