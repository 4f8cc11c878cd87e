import { describe, expect, it } from 'vitest'
import { errorData } from '../../src/base/error-data.ts'
import { concernedBy, shouldRestart } from '../../src/otp/restart-strategy.ts'

describe('a strategy', () => {
  it('oneForOne concerns only the one that ended', () => {
    for (const ended of [0, 1, 2]) expect(concernedBy('oneForOne', ended, 3)).toEqual([ended])
  })

  it('oneForAll concerns all, in start order', () => {
    for (const ended of [0, 1, 2]) expect(concernedBy('oneForAll', ended, 3)).toEqual([0, 1, 2])
  })

  it('restForOne concerns the one that ended and those started after it', () => {
    expect([0, 1, 2].map((ended) => concernedBy('restForOne', ended, 3))).toEqual([[0, 1, 2], [1, 2], [2]])
  })
})

describe('a child that ended', () => {
  const clean = ['normal', 'shutdown', { type: 'shutdown', why: 'deploy' }]
  const unclean = ['killed', 'noconnection', 'custom', { type: 'full' }, errorData(new Error('oops'))]

  it('is restarted whatever the reason when it is permanent', () => {
    for (const reason of [...clean, ...unclean]) expect(shouldRestart('permanent', reason)).toBe(true)
  })

  it('is restarted after an unclean end only when it is transient', () => {
    for (const reason of clean) expect(shouldRestart('transient', reason)).toBe(false)
    for (const reason of unclean) expect(shouldRestart('transient', reason)).toBe(true)
  })

  it('is never restarted when it is temporary', () => {
    for (const reason of [...clean, ...unclean]) expect(shouldRestart('temporary', reason)).toBe(false)
  })
})
