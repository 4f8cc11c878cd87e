import { expect, test } from 'vitest'
import {
  formatLength,
  formatMoment,
  moved,
  showing,
  ticks,
  wholeRun,
  zoomed,
} from '../../../src/trace/page/time-window.ts'

const endUs = 10_000_000

test('zooms around a moment, which stays where it is', () => {
  const window = zoomed({ fromUs: 1_000_000, toUs: 5_000_000 }, 0.5, 2_000_000, endUs)
  expect(window).toEqual({ fromUs: 1_500_000, toUs: 3_500_000 })
})

test('shows neither more than the run nor less than 20 microseconds', () => {
  const window = { fromUs: 1_000_000, toUs: 5_000_000 }
  expect(zoomed(window, 1_000, 2_000_000, endUs)).toEqual(wholeRun(endUs))
  const { fromUs, toUs } = zoomed(window, 1e-9, 2_000_000, endUs)
  expect(toUs - fromUs).toBeCloseTo(20)
})

test('moves no further than the run goes', () => {
  const window = { fromUs: 1_000_000, toUs: 2_000_000 }
  expect(moved(window, 500_000, endUs)).toEqual({
    fromUs: 1_500_000,
    toUs: 2_500_000,
  })
  expect(moved(window, 1e12, endUs).toUs).toBe(wholeRun(endUs).toUs)
  expect(moved(window, -1e12, endUs).fromUs).toBe(wholeRun(endUs).fromUs)
})

test('moves to a moment only when it is not in sight', () => {
  const window = { fromUs: 1_000_000, toUs: 2_000_000 }
  expect(showing(window, 1_500_000, endUs)).toBe(window)
  expect(showing(window, 6_000_000, endUs)).toEqual({
    fromUs: 5_500_000,
    toUs: 6_500_000,
  })
})

test('puts marks at round moments inside the window, none before the run', () => {
  expect(ticks({ fromUs: -100_000, toUs: 4_200_000 }, 5)).toEqual({
    atUs: [0, 1_000_000, 2_000_000, 3_000_000, 4_000_000],
    stepUs: 1_000_000,
  })
  expect(ticks({ fromUs: 7, toUs: 9 }, 100).atUs).toEqual([7, 8, 9])
})

test('writes moments as exactly as their steps need, lengths in the unit that suits', () => {
  expect([1_000_000, 500_000, 2_000, 1].map((step) => formatMoment(1_500_000, step))).toEqual([
    '2 s',
    '1.5 s',
    '1.500 s',
    '1.500000 s',
  ])
  expect([7, 2_345, 123_456, 12_345_678].map(formatLength)).toEqual(['7 µs', '2.35 ms', '123 ms', '12.3 s'])
})
