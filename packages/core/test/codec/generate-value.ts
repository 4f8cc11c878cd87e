/** Draws whole numbers below a bound; the same seed draws the same ones (mulberry32). */
export type Draw = (below: number) => number

export function seededDraw(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Any value that the codec promises to carry, nesting up to `depth`. */
export function generateValue(draw: Draw, depth: number): unknown {
  const make = pick(draw, depth > 0 ? [...leaves, ...containers, ...containers] : leaves)
  return make(draw, depth - 1)
}

type Make = (draw: Draw, depth: number) => unknown

const leaves: readonly Make[] = [
  () => null,
  () => undefined,
  (draw) => draw(2) === 1,
  (draw) => pick(draw, [0, -0, NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1, -1.5]),
  (draw) => pick(draw, [1, -1]) * (2 ** pick(draw, [5, 6, 7, 8, 15, 16, 31, 32, 53]) + draw(3) - 1),
  (draw) => pick(draw, [1n, -1n]) * (2n ** BigInt(draw(300)) + BigInt(draw(3)) - 1n),
  generateString,
  (draw) =>
    new Date(
      pick(draw, [NaN, 0, 1, -1, 999, -999, 8.64e15, -8.64e15, 2 ** 32 * 1000, draw(2 ** 31) * 1000 + draw(1000)]),
    ),
  (draw) => new URL(`https://example.org/${encodeURIComponent(String(draw(1000)))}?q=ü#x`),
  generateView,
  (draw) => Uint8Array.from({ length: draw(300) }, () => draw(256)).buffer,
]

const containers: readonly Make[] = [
  (draw, depth) => Array.from({ length: generateLength(draw) }, () => generateValue(draw, depth)),
  (draw, depth) =>
    Object.fromEntries(
      Array.from({ length: generateLength(draw) }, () => [generateKey(draw), generateValue(draw, depth)]),
    ),
  (draw, depth) =>
    new Map(
      Array.from({ length: generateLength(draw) }, () => [generateValue(draw, depth), generateValue(draw, depth)]),
    ),
  (draw, depth) => new Set(Array.from({ length: generateLength(draw) }, () => generateValue(draw, depth))),
  generateError,
]

function generateLength(draw: Draw): number {
  return pick(draw, [0, 1, 2, 3, 4, draw(20)])
}

function generateKey(draw: Draw): string {
  const odd = [
    '',
    '0',
    '-1',
    '01',
    'constructor',
    'hasOwnProperty',
    'toJSON',
    'toString',
    'prototype',
    '__proto_',
    'type',
  ]
  const key = pick(draw, [
    ...odd,
    String.fromCharCode(97 + draw(26)),
    `k${draw(1000)}`,
    generateString(draw).slice(0, 40),
  ])
  return Buffer.from(key).toString() === key && key.charCodeAt(0) !== 0xfeff ? key : 'plain'
}

function generateString(draw: Draw): string {
  const pieces = [
    'a',
    'Z',
    '\0',
    'é',
    'ß',
    '漢',
    '😀',
    '\ud800',
    '\udc00',
    '\ufeff',
    '\uffff',
    '"',
    ' ',
    'plain ascii text ',
  ]
  const pool = pick(draw, [pieces, pieces.slice(0, 2), pieces.slice(0, 7)])
  const length = pick(draw, [0, 1, 2, draw(15), draw(32), draw(70), draw(400)])
  return Array.from({ length }, () => pick(draw, pool)).join('')
}

function generateView(draw: Draw): ArrayBufferView {
  const count = pick(draw, [0, 1, draw(40)])
  const number = (): number => draw(2 ** 32) - 2 ** 31
  const makeNumbers = pick(draw, [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
  ])
  if (draw(5) === 0) return BigInt64Array.from({ length: count }, () => BigInt(number()))
  if (draw(5) === 0) return BigUint64Array.from({ length: count }, () => BigInt(draw(2 ** 32)))
  // A view into the middle of a buffer: only the viewed part may travel.
  const whole = new makeNumbers(Array.from({ length: count + 2 }, number))
  return whole.subarray(1, 1 + count)
}

function generateError(draw: Draw, depth: number): Error {
  const cause = depth > 0 && draw(2) === 0 ? generateError(draw, depth - 1) : undefined
  const error = new Error(generateString(draw), cause === undefined ? undefined : { cause })
  error.name = pick(draw, ['TypeError', 'CallError', 'é'])
  return draw(2) === 0 ? error : Object.assign(error, { code: 'ERR_SOMETHING' })
}

export function pick<T>(draw: Draw, choices: readonly T[]): T {
  return choices[draw(choices.length)] as T
}
