import { expect, it } from 'vitest'
import { checkFaults, placesOf } from '../../src/fault/check-faults.ts'
import type { Fault } from '../../src/fault/fault.ts'
import { examples, nodes } from './examples.ts'

const pause: Fault = { kind: 'pause', node: 'syd-1', atMs: 0, forMs: 10 }
const clog: Fault = { kind: 'clog', from: ['syd'], to: ['rest'], extraMs: 1, atMs: 0, forMs: 10 }

it('lets pass what can be', () => {
  expect(() =>
    checkFaults(
      examples.map(([fault]) => fault),
      nodes,
    ),
  ).not.toThrow()
  expect(() =>
    checkFaults(
      [
        { ...pause, forMs: 0 },
        { ...pause, forMs: Infinity },
      ],
      nodes,
    ),
  ).not.toThrow()
})

it.each<[string, Fault, string]>([
  ['before the start', { ...pause, atMs: -1 }, 'A fault begins at 0 ms or later'],
  ['at no time', { ...pause, atMs: Number.NaN }, 'A fault begins at 0 ms or later'],
  ['that ends before it begins', { ...pause, forMs: -1 }, 'A fault lasts for 0 ms or more'],
  ['of a node that is not there', { ...pause, node: 'syd-9' }, 'There is no node and no region "syd-9"'],
  ['of a region that is not there', { kind: 'regionLoss', region: 'nrt', atMs: 0, forMs: 1 }, 'no region "nrt"'],
  ['from a place that is not there', { ...clog, from: ['syd', 'nrt'] }, 'no region "nrt"'],
  ['to a place that is not there', { ...clog, to: ['nrt-1'] }, 'no region "nrt-1"'],
])('refuses a fault %s, and names it', (_what, fault, problem) => {
  const code = 'ERR_BAD_FAULT'
  expect(() => checkFaults([pause, fault], nodes)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(problem) }),
  )
  expect(() => checkFaults([pause, fault], nodes)).toThrow(`: ${fault.kind} `)
})

it('knows the places that a fault names', () => {
  expect(placesOf(pause)).toEqual(['syd-1'])
  expect(placesOf(clog)).toEqual(['syd', 'rest'])
  expect(placesOf({ kind: 'regionLoss', region: 'lax', atMs: 0, forMs: 1 })).toEqual(['lax'])
})
