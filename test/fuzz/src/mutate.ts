import { type Draw, drawBytes, drawCount, pick } from './draw.ts'

/** No input is larger: every form of every decoder fits, and a run stays short. */
export const inputBytesMax = 4_096

const oddBytes = [0, 1, 0x7f, 0x80, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc7, 0xc9, 0xd4, 0xdb, 0xdd, 0xdf, 0xff]
const words = ['__proto__', 'constructor', 'toString', 'type', 'error', 'message', 'cause', '\u{feff}'].map((word) =>
  new TextEncoder().encode(word),
)

/** The input changed in one to eight places; `other` gives pieces. */
export function mutate(input: Uint8Array, other: Uint8Array, draw: Draw): Uint8Array {
  let bytes = input
  for (let left = 1 + draw(pick(draw, [1, 3, 8])); left > 0; left -= 1) bytes = pick(draw, changes)(bytes, other, draw)
  return bytes.length > inputBytesMax ? bytes.slice(0, inputBytesMax) : bytes
}

type Change = (bytes: Uint8Array, other: Uint8Array, draw: Draw) => Uint8Array

const changes: readonly Change[] = [
  (bytes, _other, draw) => edited(bytes, (copy) => set(copy, draw, (byte) => byte ^ (1 << draw(8)))),
  (bytes, _other, draw) => edited(bytes, (copy) => set(copy, draw, () => draw(256))),
  (bytes, _other, draw) => edited(bytes, (copy) => set(copy, draw, () => pick(draw, oddBytes))),
  (bytes, _other, draw) => edited(bytes, (copy) => set(copy, draw, (byte) => byte + pick(draw, [1, -1, 16, -16]))),
  (bytes, _other, draw) => replaced(bytes, draw, pick(draw, [2, 4, 8]), fixedNumber(draw)),
  (bytes, _other, draw) => replaced(bytes, draw, pick(draw, [0, 1]), groupedNumber(drawCount(draw))),
  (bytes, _other, draw) => replaced(bytes, draw, 0, drawBytes(draw, 8)),
  (bytes, _other, draw) => replaced(bytes, draw, draw(9), new Uint8Array(0)),
  (bytes, _other, draw) => replaced(bytes, draw, 0, pick(draw, words)),
  (bytes, other, draw) => replaced(bytes, draw, draw(9), piece(other, draw)),
  (bytes, _other, draw) => replaced(bytes, draw, 0, piece(bytes, draw)),
  (bytes, _other, draw) => bytes.slice(0, draw(bytes.length + 1)),
  (bytes, other, draw) => joined(bytes.subarray(0, draw(bytes.length + 1)), other.subarray(draw(other.length + 1))),
  // Many levels, or many of the same.
  (bytes, _other, draw) => replaced(bytes, draw, 0, new Uint8Array(draw(200)).fill(pick(draw, oddBytes))),
]

function edited(bytes: Uint8Array, edit: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice()
  if (copy.length > 0) edit(copy)
  return copy
}

function set(bytes: Uint8Array, draw: Draw, byte: (before: number) => number): void {
  const at = draw(bytes.length)
  bytes[at] = byte(bytes[at] as number)
}

function replaced(bytes: Uint8Array, draw: Draw, count: number, by: Uint8Array): Uint8Array {
  const at = draw(bytes.length + 1)
  return joined(bytes.subarray(0, at), by, bytes.subarray(at + count))
}

function piece(bytes: Uint8Array, draw: Draw): Uint8Array {
  const from = draw(bytes.length + 1)
  return bytes.subarray(from, from + draw(pick(draw, [4, 64])))
}

function fixedNumber(draw: Draw): Uint8Array {
  const bytes = new Uint8Array(pick(draw, [2, 4, 8]))
  const value = drawCount(draw)
  for (let at = bytes.length - 1, rest = value; at >= 0; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest % 256
  return bytes
}

function groupedNumber(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Uint8Array.of(...bytes, rest)
}

export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const one of pieces) {
    whole.set(one, at)
    at += one.length
  }
  return whole
}
