import { describe, expect, it } from 'vitest'
import { Names } from '../../src/actor/names.ts'
import type { Pid } from '../../src/actor/pid.ts'

const pid = (serial: number): Pid => ({ node: 'a', life: 1, thread: 0, serial })

describe('the names of a node', () => {
  it('find the actor that registered, and nobody else', () => {
    const names = new Names()
    names.register('db', pid(1))
    expect(names.whereis('db')).toEqual(pid(1))
    expect(names.whereis('cache')).toBeUndefined()
    expect(names.whereis('constructor')).toBeUndefined()
  })

  it('are refused to a second actor, which changes nothing', () => {
    const names = new Names()
    names.register('db', pid(1))
    expect(() => names.register('db', pid(2))).toThrow(expect.objectContaining({ code: 'ERR_NAME_TAKEN' }))
    expect(names.whereis('db')).toEqual(pid(1))
    names.free(pid(2))
    expect(names.whereis('db')).toEqual(pid(1))
  })

  it('may be registered twice by their holder, and are one name then', () => {
    const names = new Names()
    names.register('db', pid(1))
    names.register('db', structuredClone(pid(1)))
    names.unregister('db')
    expect(names.entries()).toEqual([])
  })

  it('are all freed when their actor ends, and can be taken again', () => {
    const names = new Names()
    for (const name of ['b', 'a']) names.register(name, pid(1))
    names.register('c', pid(2))
    names.free(pid(1))
    expect(names.entries()).toEqual([['c', pid(2)]])
    names.register('a', pid(2))
    expect(names.whereis('a')).toEqual(pid(2))
  })

  it('that were given up are not freed a second time from their next holder', () => {
    const names = new Names()
    names.register('db', pid(1))
    names.unregister('db')
    names.register('db', pid(2))
    names.free(pid(1))
    expect(names.whereis('db')).toEqual(pid(2))
  })

  it('are listed in order of the names', () => {
    const names = new Names()
    for (const [index, name] of ['m', 'z', 'a'].entries()) names.register(name, pid(index))
    expect(names.entries().map(([name]) => name)).toEqual(['a', 'm', 'z'])
  })

  it('have partitions whose number their holder may change: keys belong to those in use', () => {
    const names = new Names()
    const seen: unknown[] = []
    names.onChange((...change) => seen.push(change))
    names.register('carts', pid(1), 2)
    for (const partition of [0, 1]) names.register(`carts/${partition}`, pid(10 + partition))
    const find = (key: number) => names.find({ name: 'carts', key })?.serial
    expect([0, 1, 2, 3].map(find)).toEqual([10, 11, 10, 11])
    seen.length = 0
    names.register('carts', pid(1), 1)
    names.register('carts', pid(1), 1)
    expect(seen).toEqual([['carts', pid(1), 1]])
    expect([0, 1].map(find)).toEqual([10, 10])
    expect(() => names.register('carts', pid(2), 2)).toThrow(expect.objectContaining({ code: 'ERR_NAME_TAKEN' }))
    names.register('carts', pid(1), 0)
    expect(find(0)).toBeUndefined()
    names.free(pid(1))
    expect(names.partitions('carts')).toBeUndefined()
    names.register('carts', pid(2))
    expect([find(0), names.find({ name: 'carts' })]).toEqual([undefined, pid(2)])
    names.follow('carts', pid(3), 2)
    expect(find(1)).toBe(11)
  })

  it('report every change, after it happened', () => {
    const names = new Names()
    const seen: unknown[] = []
    names.onChange((name, holder) => seen.push([name, holder?.serial, names.whereis(name)?.serial]))
    names.register('db', pid(1))
    names.register('db', pid(1))
    names.free(pid(1))
    names.unregister('db')
    expect(seen).toEqual([
      ['db', 1, 1],
      ['db', undefined, undefined],
    ])
  })

  it('of a thread’s copy follow those of the main thread', () => {
    const main = new Names()
    const copy = new Names()
    main.onChange((name, holder) => copy.follow(name, holder))
    main.register('db', pid(1))
    main.register('hits', pid(1))
    main.free(pid(1))
    main.register('db', pid(2))
    expect(copy.entries()).toEqual(main.entries())
    // Also when the news of the end was lost to it.
    copy.follow('db', pid(3))
    expect(copy.entries()).toEqual([['db', pid(3)]])
    copy.free(pid(2))
    expect(copy.whereis('db')).toEqual(pid(3))
  })
})
