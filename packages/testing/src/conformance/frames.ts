import assert from 'node:assert/strict'

/** A frame of `size` bytes (at least 4) that carries `number` in front and a pattern that depends on it behind. */
export function numberedFrame(number: number, size = 16): Uint8Array {
  const frame = patternFrame(size, number)
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

/** Numbered frames from `from` up to, not including, `to`. */
export function* numberedFrames(from: number, to: number, size = 16): Generator<Uint8Array> {
  for (let number = from; number < to; number += 1) yield numberedFrame(number, size)
}

/** Asserts that `frames` are the numbered frames 0, 1, 2 and so on, whole. `size` may depend on the number. */
export function assertNumbered(frames: readonly Uint8Array[], size: number | ((number: number) => number) = 16): void {
  for (const [index, frame] of frames.entries()) {
    const wholeSize = typeof size === 'number' ? size : size(index)
    assertSameBytes(frame, numberedFrame(index, wholeSize), `frame ${index}`)
  }
}

/** A frame of `size` bytes whose content depends on its size and `salt`, so that shifted or mixed-up bytes show. */
export function patternFrame(size: number, salt = 0): Uint8Array {
  const frame = new Uint8Array(size)
  for (let index = 0; index < size; index += 1) frame[index] = (index * 31 + (index >>> 8) + size + salt) & 0xff
  return frame
}

/** Byte equality without a difference listing, which would print a megabyte. */
export function assertSameBytes(actual: Uint8Array | undefined, expected: Uint8Array, what: string): void {
  assert.ok(actual, `${what} came`)
  assert.equal(actual.byteLength, expected.byteLength, `${what} has its length`)
  assert.ok(Buffer.compare(actual, expected) === 0, `${what} has its bytes`)
}
