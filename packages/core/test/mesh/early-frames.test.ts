import { expect, it } from 'vitest'
import { EarlyFrames } from '../../src/mesh/early-frames.ts'

it('what comes early is handed on in order, and with what came while it was', () => {
  const early = new EarlyFrames(1_000)
  early.push(Uint8Array.of(1))
  early.push(Uint8Array.of(2))
  expect(early.shift()).toEqual(Uint8Array.of(1))
  early.push(Uint8Array.of(3))
  expect([early.shift(), early.shift(), early.shift()]).toEqual([Uint8Array.of(2), Uint8Array.of(3), undefined])
})

it('all of it has a bound, which counts 64 bytes more for each frame, and what was handed on already', () => {
  const early = new EarlyFrames(138)
  expect([early.push(new Uint8Array(6)), early.push(new Uint8Array(4))]).toEqual([true, true])
  early.shift()
  expect(early.push(new Uint8Array(1))).toBe(false)
})

it('nothing is left of what was dropped', () => {
  const early = new EarlyFrames(10)
  early.push(Uint8Array.of(1))
  early.drop()
  expect(early.shift()).toBeUndefined()
})
