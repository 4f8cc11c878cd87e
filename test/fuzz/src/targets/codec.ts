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
  'a text that is a little longer than what fits in one byte of length',
]
