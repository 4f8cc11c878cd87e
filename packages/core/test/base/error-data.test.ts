import { describe, expect, it } from 'vitest'
import { errorData, errorFromData, isErrorData, leaveOutStacks } from '../../src/base/error-data.ts'
import { RuntimeError } from '../../src/base/runtime-error.ts'

class DiskFull extends Error {}

describe('an error as data', () => {
  it('keeps name, message, code, stack and cause', () => {
    const cause = new TypeError('inner')
    const error = new RuntimeError('ERR_OUTER', 'outer', { cause })
    expect(errorData(error)).toEqual({
      type: 'error',
      name: 'RuntimeError',
      message: 'outer',
      code: 'ERR_OUTER',
      stack: error.stack,
      cause: { type: 'error', name: 'TypeError', message: 'inner', stack: cause.stack },
    })
  })

  it('names the class of an error that does not name itself', () => {
    expect(errorData(new DiskFull('no room')).name).toBe('DiskFull')
    class TooFar extends RangeError {}
    expect(errorData(new TooFar('too far')).name).toBe('TooFar')
  })

  it('keeps the name that an error, its class or what it is called by gives', () => {
    class Renamed extends RangeError {
      override readonly name = 'NotFound'
    }
    const named = Object.assign(new TypeError('x'), { name: 'Odd' })
    const aborted = new DOMException('stop', 'AbortError')
    const nameless = new (class extends TypeError {})('x')
    const names = [new Renamed('x'), named, new SyntaxError('x'), aborted, nameless].map((one) => errorData(one).name)
    expect(names).toEqual(['NotFound', 'Odd', 'SyntaxError', 'AbortError', 'TypeError'])
  })

  it('leaves out a code that is not a string', () => {
    expect(errorData(Object.assign(new Error('odd'), { code: 42 }))).not.toHaveProperty('code')
  })

  it('survives structured clone and comes back as an Error', () => {
    const error = new RuntimeError('ERR_X', 'x', { cause: new DiskFull('no room') })
    const back = errorFromData(structuredClone(errorData(error))) as Error & { code?: string }
    expect(back).toBeInstanceOf(Error)
    expect([back.name, back.message, back.code, back.stack]).toEqual(['RuntimeError', 'x', 'ERR_X', error.stack])
    expect(back.cause).toBeInstanceOf(Error)
    expect(errorData(back)).toEqual(errorData(error))
  })

  it('leaves its stack, and those of its causes, behind where a simulator wants it so', () => {
    const bringBack = leaveOutStacks()
    try {
      const data = errorData(new RuntimeError('ERR_X', 'x', { cause: new DiskFull('no room') }))
      expect(data).toEqual({
        type: 'error',
        name: 'RuntimeError',
        message: 'x',
        code: 'ERR_X',
        cause: { type: 'error', name: 'DiskFull', message: 'no room' },
      })
      expect(errorFromData(data).stack).toBe('RuntimeError: x')
    } finally {
      bringBack()
    }
    expect(errorData(new Error('x'))).toHaveProperty('stack')
  })

  it('cuts a cause chain that bites its tail', () => {
    const error = new Error('snake')
    error.cause = error
    let depth = 0
    for (let at = errorData(error).cause; at !== undefined; at = at.cause) depth += 1
    expect(depth).toBe(8)
  })

  it('prints a thrown value that is no Error', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    const thrown = ['text', { a: 1 }, undefined, 1n, cyclic, Symbol('s')]
    expect(thrown.map((value) => errorData(value).message)).toEqual([
      'text',
      '{"a":1}',
      'undefined',
      '[object BigInt]',
      '[object Array]',
      'Symbol(s)',
    ])
    expect(errorData('text').name).toBe('NonError')
  })

  it('is left as it is when it is data already', () => {
    const data = errorData(new Error('once'))
    expect(errorData(data)).toBe(data)
  })

  it('is told apart from errors and from other objects', () => {
    expect(isErrorData(errorData(new Error('e')))).toBe(true)
    for (const other of [new Error('e'), null, 'error', { type: 'error' }, { type: 'shutdown', message: '' }]) {
      expect(isErrorData(other)).toBe(false)
    }
  })
})
