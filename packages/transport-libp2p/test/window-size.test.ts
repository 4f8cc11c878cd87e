import { describe, expect, it } from 'vitest'
import { windowBytesFor } from '../src/window-size.ts'

const KiB = 1024

describe("the window of a lane's stream", () => {
  it('is the ordinary one on a short link', () => {
    for (const ms of [0, 0.3, 19.9]) expect(windowBytesFor(ms)).toBe(256 * KiB)
  })

  it('holds what is under way at 32 MiB/s on a long one, in whole bytes, up to 4 MiB', () => {
    expect([20, 75, 127, 128, 150, 60_000].map((ms) => windowBytesFor(ms) / KiB)).toEqual([
      640, 2_400, 4_064, 4_096, 4_096, 4_096,
    ])
    expect(Number.isInteger(windowBytesFor(33.3333))).toBe(true)
  })

  it('is never what no round trip takes', () => {
    expect([-1, Number.NaN].map(windowBytesFor)).toEqual([256 * KiB, 256 * KiB])
    expect(windowBytesFor(Infinity)).toBe(4_096 * KiB)
  })
})
