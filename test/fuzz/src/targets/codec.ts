import { msgpackCodec } from '../../../../packages/core/dist/codec/msgpack-codec.js'
import { isSameValue } from '../same-value.ts'
import { check, checkOrdinary, type Target, unlessRefused } from '../target.ts'
import { generatePacked } from './generate-packed.ts'

const codec = msgpackCodec()

/** Values, as bodies of messages and calls hold them. */
export const codecTarget: Target = {
  name: 'codec',
  seeds: () => realValues.map((value) => codec.encode(value)),
  generate: (draw) => generatePacked(draw),
  run(input) {
    const before = input.slice()
    const value = unlessRefused(['ERR_NOT_DECODABLE'], () => codec.decode(input))
    if (value !== undefined) check((codec.decodedCost ?? -1) >= leastCost(value), 'it is counted what a value becomes')
    check(isSameValue(input, before), 'decoding leaves the bytes as they are')
    if (value === undefined) return
    checkOrdinary(value)
    // What a peer's bytes may hold and our encoder refuses (an error within an error beyond 8 causes) is no value of ours.
    const again = unlessRefused(['ERR_NOT_ENCODABLE'], () => codec.encode(value))
    if (again === undefined) return
    const back = codec.decode(again)
    check(isSameValue(codec.encode(back), again), 'what was decoded is encoded to the same bytes, again and again')
    check(isSameValue(back, value), 'what was decoded, encoded and decoded is the same value')
  },
}

/** What the parts of a value take at least; a text of its own and what is short is free. */
function leastCost(value: unknown): number {
  if (Array.isArray(value)) return 40 + sum(value, (item) => 8 + leastCost(item))
  if (value instanceof Map) return 160 + sum([...value], ([key, item]) => leastCost(key) + leastCost(item))
  if (value instanceof Set) return 160 + sum([...value], leastCost)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  return Object.getPrototypeOf(value) === Object.prototype ? 64 + sum(Object.values(value), leastCost) : 100
}

function sum<T>(all: readonly T[], cost: (one: T) => number): number {
  return all.reduce((costs, one) => costs + cost(one), 0)
}

class Coded extends Error {
  readonly code = 'ERR_CODED'
}

const realValues: readonly unknown[] = [
  null,
  [undefined, true, false, 0, -0, 1.5, -1, NaN, Infinity, 2 ** 31, 2 ** 53],
  { order: 7, lines: [{ sku: 'tea', count: 2n }], note: 'déjà vu', at: new Date(1_700_000_000_123) },
  new Map<unknown, unknown>([
    ['a', new Set([1, 2])],
    [{ key: 1 }, null],
  ]),
  new Error('outer', { cause: new TypeError('inner', { cause: new Coded('coded') }) }),
  [new URL('https://example.org/a?b#c'), new Date(NaN), '\ud800', '\ufefftext', 12345678901234567890n, -1n],
  [Uint8Array.of(1, 2, 3), Float64Array.of(1.5), BigInt64Array.of(-1n), Uint16Array.of(9).buffer],
  Array.from({ length: 40 }, (_, index) => ({ index })),
  Array.from({ length: 30 }, (_, index) => [[], {}, new Map(), new Set(), new Uint8Array(0)][index % 5]),
  'a text that is a little longer than what fits in one byte of length',
]
