import { defineApp } from '@skerry/core'
import { expect, test } from 'vitest'
import { defineSimulation, isSimulation, simulationName } from '../../src/runner/define-simulation.ts'

const app = defineApp({ name: 'shop', strategy: 'oneForOne', children: [] })
const right = { app, regions: { syd: 2 } }

test('gives back what it was given', () => {
  expect(defineSimulation(right)).toBe(right)
})

test('is called by its name, else its app', () => {
  expect(simulationName(right)).toBe('shop')
  expect(simulationName({ ...right, name: 'orders' })).toBe('orders')
  expect(simulationName({ ...right, app: () => app })).toBe('simulation')
})

test('is told from other exports of a module', () => {
  expect([right, app, undefined, null, 1, () => right].map(isSimulation)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ])
})

test('what cannot be simulated is refused', () => {
  const invariant = { id: 'x', check: () => undefined }
  for (const [wrong, message] of [
    [{ regions: {} }, 'needs a region'],
    [{ regions: { syd: 0 } }, '"syd" has 0 nodes'],
    [{ regions: { syd: 1.5 } }, '"syd" has 1.5 nodes'],
    [{ primary: 'lax' }, 'primary region "lax"'],
    [{ durationMs: Number.NaN }, 'durationMs is NaN'],
    [{ healMs: -1 }, 'healMs is -1'],
    [{ seeds: 0 }, 'seeds: 0'],
    [{ seeds: [] }, 'the list is empty'],
    [{ seeds: [1, -1] }, 'seeds: -1'],
    [{ invariants: [invariant, invariant] }, 'two invariants'],
    [{ invariants: [{ id: 'x' }] }, 'neither "check" nor "atEnd"'],
    [{ invariants: [{ ...invariant, everyMs: 0 }] }, 'every 0 ms'],
  ] as const) {
    expect(() => defineSimulation({ ...right, ...wrong })).toThrow(message)
    expect(() => defineSimulation({ ...right, ...wrong })).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_SIMULATION' }),
    )
  }
})
