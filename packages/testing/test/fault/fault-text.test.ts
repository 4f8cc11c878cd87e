import { expect, it } from 'vitest'
import { describeFault } from '../../src/fault/fault-text.ts'
import { examples } from './examples.ts'

it.each(examples)('%o reads as %s', (fault, text) => {
  expect(describeFault(fault)).toBe(text)
})
