import { expect, it } from 'vitest'
import { ViewPace } from '../../src/mesh/view-pace.ts'

const [few, many] = [64, 1_000]

it('in a small mesh each change is told at once', () => {
  const pace = new ViewPace()
  expect([pace.changed(few, 0), pace.changed(few, 0)]).toEqual(['now', 'now'])
})

it('in a large one the first change is told at once, and those of a quarter of a millisecond for each member together', () => {
  const pace = new ViewPace()
  expect(pace.changed(many, 10_000)).toBe(0)
  expect(pace.changed(many, 10_000)).toBe('planned')
  expect(pace.cameDue()).toBe(true)
  pace.tellsChange(10_000)
  pace.told()
  expect(pace.changed(many, 10_100)).toBe(150)
  expect(pace.changed(many, 10_120)).toBe('planned')
})

it('what was told for another reason meanwhile is not told again', () => {
  const pace = new ViewPace()
  pace.changed(many, 0)
  pace.told()
  expect(pace.cameDue()).toBe(false)
  expect(pace.changed(many, 0)).toBe(0)
})

it('a tick tells a small view always, a large one while somebody is suspected, just after that, and when something waited for it', () => {
  const pace = new ViewPace()
  expect(pace.isOldAtTick(false, few)).toBe(true)
  const ticks = [false, true, false, false].map((isBusy) => pace.isOldAtTick(isBusy, many))
  expect(ticks).toEqual([false, true, true, false])
  pace.untold()
  expect(pace.isOldAtTick(false, many)).toBe(true)
  pace.told()
  expect(pace.isOldAtTick(false, many)).toBe(false)
})
