import { expect, it } from 'vitest'
import { ControlPace } from '../../src/mesh/control-pace.ts'

it('a burst is read at once, and then so many a second', () => {
  const pace = new ControlPace({ burst: 100, perSecond: 50 }, 0)
  const came = Array.from({ length: 100 }, () => pace.came(0, 10))
  expect(came.indexOf('pause')).toBe(99)
  expect(pace.waitMs(0)).toBe(1_280)
  expect(pace.came(1_280, 10)).toBe('take')
})

it('a large one counts by its bytes', () => {
  const pace = new ControlPace({ burst: 100, perSecond: 50 }, 0)
  expect(pace.came(0, 4 * 1024 * 98)).toBe('take')
  expect(pace.came(0, 10)).toBe('pause')
})

it('what comes though nothing should is dropped when a burst is owed, and taken again in time', () => {
  const pace = new ControlPace({ burst: 10, perSecond: 5 }, 0)
  const came = Array.from({ length: 30 }, () => pace.came(0, 10))
  expect(came.map((one) => one[0]).join('')).toBe('t'.repeat(9) + 'p'.repeat(11) + 'd'.repeat(10))
  expect(pace.waitMs(0)).toBe(4_000)
  expect(pace.came(4_000, 10)).toBe('take')
})
