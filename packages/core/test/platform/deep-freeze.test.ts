import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { deepFreeze } from '../../src/platform/deep-freeze.ts'

describe('a deep freeze', () => {
  it('gives the value back, frozen at every depth, under symbols and without a prototype too', () => {
    const key = Symbol('key')
    const value = { list: [{ deep: [1] }], [key]: { a: 1 }, bare: Object.assign(Object.create(null), { b: [2] }) }
    expect(deepFreeze(value)).toBe(value)
    for (const part of [value, value.list, value.list[0], value.list[0]?.deep, value[key], value.bare, value.bare.b]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    expect(() => value.list[0]?.deep.push(2)).toThrow(TypeError)
  })

  it('freezes what Maps and Sets hold, and not them', () => {
    const [key, held, member] = [{ a: 1 }, { b: 1 }, { c: 1 }]
    const value = { map: new Map([[key, held]]), set: new Set([member]) }
    deepFreeze(value)
    expect([key, held, member].every((one) => Object.isFrozen(one))).toBe(true)
    value.map.set({ a: 2 }, { b: 2 })
    expect(value.map.size).toBe(2)
  })

  it('leaves functions, instances of classes and buffers alone, and what hangs on them', () => {
    class Connection {
      state = { open: true }
    }
    class Queue extends Array<number> {}
    const value = {
      run: Object.assign(() => 1, { calls: [1] }),
      connection: new Connection(),
      queue: new Queue(),
      date: new Date(0),
      error: new RangeError('x'),
      bytes: new Uint8Array([1, 2]),
      view: new DataView(new ArrayBuffer(2)),
      shared: new SharedArrayBuffer(2),
      pattern: /x/g,
    }
    deepFreeze(value)
    expect(Object.isFrozen(value)).toBe(true)
    for (const [name, part] of Object.entries(value)) expect([name, Object.isFrozen(part)]).toEqual([name, false])
    value.connection.state.open = false
    value.bytes[0] = 9
    value.queue.push(1)
    value.run.calls.push(2)
    value.pattern.lastIndex = 1
    expect(value.bytes).toEqual(new Uint8Array([9, 2]))
  })

  it('reads no getter', () => {
    let reads = 0
    const value = {
      get now() {
        reads += 1
        return { reads }
      },
    }
    expect(Object.isFrozen(deepFreeze(value))).toBe(true)
    expect(reads).toBe(0)
  })

  it('ends at cycles, and at what is deeper than the stack', () => {
    const cycle: { self?: object; list: number[] } = { list: [] }
    cycle.self = cycle
    deepFreeze(cycle)
    expect(Object.isFrozen(cycle.list)).toBe(true)
    let deep: { below?: object } = {}
    const bottom = deep
    for (let depth = 0; depth < 200_000; depth += 1) deep = { below: deep }
    deepFreeze(deep)
    expect(Object.isFrozen(bottom)).toBe(true)
  })

  it('goes into what was frozen at its surface only', () => {
    const value = Object.freeze({ list: [1] })
    deepFreeze(value)
    expect(Object.isFrozen(value.list)).toBe(true)
  })

  it('knows plain data of another realm, and skips what refuses', async () => {
    const foreign = runInNewContext('({ list: [{ a: 1 }] })') as { list: { a: number }[] }
    const value = { foreign, environment: process.env, module: await import('node:path') }
    deepFreeze(value)
    expect([foreign, foreign.list, foreign.list[0]].every((one) => Object.isFrozen(one))).toBe(true)
    expect(Object.isFrozen(process.env)).toBe(false)
  })

  it('takes anything', () => {
    for (const value of [undefined, null, 1, 'text', 1n, Symbol('s'), () => 1]) expect(deepFreeze(value)).toBe(value)
  })
})
