import { describe, expect, it } from 'vitest'
import { PathConditions } from '../../src/network/path-conditions.ts'
import { nodesAt } from '../../src/network/places.ts'

const nodes = ['x-1', 'x-2', 'y-1', 'z-1'].map((name) => ({ name, region: name.slice(0, 1) }))
const chances = { loss: 0, duplicate: 0, reorder: 0 }

describe('nodesAt', () => {
  it('means nodes by name, regions, and all that the other side does not mean', () => {
    expect(nodesAt(['y', 'x-2'], [], nodes)).toEqual(['x-2', 'y-1'])
    expect(nodesAt(['rest'], ['x'], nodes)).toEqual(['y-1', 'z-1'])
    expect(nodesAt(['rest', 'x-1'], ['x'], nodes)).toEqual(['x-1', 'y-1', 'z-1'])
    expect(nodesAt(['nowhere'], [], nodes)).toEqual([])
  })
})

describe('PathConditions', () => {
  it('cuts both ways between two places, and nothing inside them', () => {
    const conditions = new PathConditions(nodes)
    conditions.apply('p', { kind: 'partition', from: ['x'], to: ['rest'], oneWay: false })
    const isCut = (from: string, to: string): boolean => conditions.of(from, to).isCut
    expect([isCut('x-1', 'y-1'), isCut('y-1', 'x-1'), isCut('x-2', 'z-1')]).toEqual([true, true, true])
    expect([isCut('x-1', 'x-2'), isCut('y-1', 'z-1')]).toEqual([false, false])
  })

  it('cuts one way only where told so', () => {
    const conditions = new PathConditions(nodes)
    conditions.apply('p', { kind: 'partition', from: ['x-1'], to: ['y'], oneWay: true })
    expect([conditions.of('x-1', 'y-1').isCut, conditions.of('y-1', 'x-1').isCut]).toEqual([true, false])
  })

  it('keeps a path cut until the last partition over it heals', () => {
    const conditions = new PathConditions(nodes)
    conditions.apply(1, { kind: 'partition', from: ['x'], to: ['y'], oneWay: false })
    conditions.apply(2, { kind: 'flap', from: ['y-1'], to: ['x-1'] })
    conditions.remove(1)
    expect([conditions.of('x-1', 'y-1').isCut, conditions.of('x-2', 'y-1').isCut]).toEqual([true, false])
    conditions.remove(2)
    conditions.remove(2)
    expect(conditions.of('x-1', 'y-1').isCut).toBe(false)
  })

  it('adds up latencies, and the chances of independent losses', () => {
    const conditions = new PathConditions(nodes)
    conditions.apply('a', { kind: 'clog', from: ['x'], to: ['y'], extraMs: 20 })
    conditions.apply('b', { kind: 'clog', from: ['y-1'], to: ['rest'], extraMs: 5 })
    conditions.apply('c', { ...chances, kind: 'loss', from: ['x'], to: ['y'], loss: 0.5, duplicate: 0.1 })
    conditions.apply('d', { ...chances, kind: 'loss', from: ['x'], to: ['y'], loss: 0.5, reorder: 0.2 })
    const both = {
      isCut: false,
      extraUs: 25_000,
      loss: 0.75,
      duplicate: expect.closeTo(0.1),
      reorder: expect.closeTo(0.2),
    }
    expect(conditions.of('x-1', 'y-1')).toEqual(both)
    expect(conditions.of('y-1', 'x-1')).toEqual(both)
    expect(conditions.of('z-1', 'y-1').extraUs).toBe(5_000)
  })

  it('changes its version with every change, and only then', () => {
    const conditions = new PathConditions(nodes)
    conditions.remove('nothing')
    expect(conditions.version).toBe(0)
    conditions.apply('a', { kind: 'clog', from: ['x'], to: ['y'], extraMs: 20 })
    conditions.remove('a')
    expect(conditions.version).toBe(2)
  })
})
