import { expect, it } from 'vitest'
import { ReadPace } from '../../src/mesh/read-pace.ts'

it('what was read is followed by as much time for others, gathered to a millisecond', () => {
  const pace = new ReadPace()
  expect([0, 0.4, 0.5, 0.3, 0, 5].map((ms) => pace.took(ms))).toEqual([0, 0, 0, 1.2, 0, 5])
})
