import { describe, expect, it } from 'vitest'
import type { ReplyResult } from '../../src/actor/signal.ts'
import { IdempotencyWindow } from '../../src/rpc/idempotency-window.ts'

function value(bytes: number): ReplyResult {
  return { ok: true, value: new Uint8Array(bytes), encoded: true }
}

function window(limits: { keysMax?: number; resultBytesMax?: number } = {}): IdempotencyWindow<string> {
  return new IdempotencyWindow({ keepMs: 1_000, keysMax: 100, resultBytesMax: 10_000, ...limits })
}

function finish(keys: IdempotencyWindow<string>, key: string, nowMs: number, result = value(1)): void {
  expect(keys.begin(key, key)).toBe(true)
  keys.finish(key, { result, calls: new Set(), heard: true }, nowMs)
}

describe('a window of idempotency keys', () => {
  it('knows a key while its work runs, however long that takes', () => {
    const keys = window()
    keys.begin('k', 'the work')
    expect(keys.find('k', 1e9)).toEqual({ state: 'running', run: 'the work' })
    expect(keys.find('other', 0)).toBeUndefined()
  })

  it('keeps what came of it for its time, from the end on', () => {
    const keys = window()
    finish(keys, 'k', 5_000)
    expect(keys.find('k', 5_999)).toMatchObject({ state: 'done', result: value(1) })
    expect(keys.find('k', 6_000)).toBeUndefined()
    expect([keys.size, keys.resultBytes, keys.forgotten]).toEqual([0, 0, 0])
  })

  it('forgets the key that was finished longest ago when it is full', () => {
    const keys = window({ keysMax: 3 })
    keys.begin('runs', 'runs')
    finish(keys, 'first', 10)
    finish(keys, 'second', 20)
    expect(keys.begin('fourth', 'fourth')).toBe(true)
    expect(keys.find('first', 20)).toBeUndefined()
    expect(keys.find('second', 20)).toBeDefined()
    expect([keys.size, keys.forgotten]).toEqual([3, 1])
  })

  it('takes no further key when the work of all still runs', () => {
    const keys = window({ keysMax: 2 })
    keys.begin('a', 'a')
    keys.begin('b', 'b')
    expect(keys.begin('c', 'c')).toBe(false)
    keys.forget('a')
    expect(keys.begin('c', 'c')).toBe(true)
    expect(keys.find('b', 0)).toBeDefined()
  })

  it('drops the oldest results when they are too much, and still knows that they were there', () => {
    const keys = window({ resultBytesMax: 100 })
    finish(keys, 'a', 1, value(60))
    finish(keys, 'b', 2, value(50))
    expect(keys.find('a', 2)).toMatchObject({ state: 'done', result: undefined })
    expect(keys.find('b', 2)).toMatchObject({ result: value(50) })
    expect([keys.resultBytes, keys.forgotten]).toEqual([50, 1])
    finish(keys, 'c', 3, value(101))
    expect(keys.find('c', 3)).toMatchObject({ result: undefined })
    expect(keys.resultBytes).toBe(0)
  })

  it('gives the bytes of what it forgets free', () => {
    const keys = window()
    finish(keys, 'a', 1, value(60))
    keys.forget('a')
    finish(keys, 'b', 2, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: '' } })
    expect(keys.resultBytes).toBeGreaterThan(0)
    expect(keys.find('b', 5_000)).toBeUndefined()
    expect([keys.size, keys.resultBytes]).toEqual([0, 0])
  })
})
