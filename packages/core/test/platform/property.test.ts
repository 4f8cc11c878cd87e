import { afterEach, describe, expect, it } from 'vitest'
import {
  always,
  chance,
  installPropertyObserver,
  knob,
  type PropertyObserver,
  reachable,
  sometimes,
  unreachable,
} from '../../src/platform/property.ts'

afterEach(() => {
  installPropertyObserver(undefined)
})

describe('without an observer, as in production,', () => {
  it('a property that does not hold does nothing', () => {
    expect(() => {
      always(false, 'never', { why: 1 })
      sometimes(false, 'rare')
      reachable('here')
      unreachable('there')
    }).not.toThrow()
  })

  it('nothing unusual happens', () => {
    expect(chance('refuse')).toBe(false)
    expect(knob('size', 500, [1, 7])).toBe(500)
  })
})

describe('an observer', () => {
  it('is told of every property as it was stated', () => {
    const { seen, observer } = recorder()
    installPropertyObserver(observer)
    always(true, 'a')
    always(false, 'b', { why: 1 })
    sometimes(true, 'c')
    reachable('d')
    unreachable('e', { why: 2 })
    expect(seen).toEqual([
      ['always', true, 'a', undefined],
      ['always', false, 'b', { why: 1 }],
      ['sometimes', true, 'c'],
      ['reachable', 'd'],
      ['unreachable', 'e', { why: 2 }],
    ])
  })

  it('decides chances and knobs', () => {
    installPropertyObserver(recorder().observer)
    expect([chance('refuse'), chance('other')]).toEqual([true, false])
    expect(knob('size', 500, [1, 7])).toBe(7)
  })

  it('makes room for the one before when it is taken away', () => {
    const outer = recorder()
    const inner = recorder()
    const removeOuter = installPropertyObserver(outer.observer)
    const removeInner = installPropertyObserver(inner.observer)
    reachable('inner')
    removeInner()
    reachable('outer')
    removeOuter()
    reachable('nobody')
    expect([inner.seen, outer.seen]).toEqual([[['reachable', 'inner']], [['reachable', 'outer']]])
  })
})

function recorder(): { seen: unknown[]; observer: PropertyObserver } {
  const seen: unknown[] = []
  return {
    seen,
    observer: {
      always: (...said) => seen.push(['always', ...said]),
      sometimes: (...said) => seen.push(['sometimes', ...said]),
      reachable: (...said) => seen.push(['reachable', ...said]),
      unreachable: (...said) => seen.push(['unreachable', ...said]),
      chance: (id) => id === 'refuse',
      knob: (_id, usual, alternatives) => alternatives.at(-1) ?? usual,
    },
  }
}
