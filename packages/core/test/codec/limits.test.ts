import { describe, expect, it } from 'vitest'
import { CodecError } from '../../src/codec/errors.ts'
import { defaultCodecLimits } from '../../src/codec/limits.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { type Draw, generateValue, pick, seededDraw } from './generate-value.ts'

const codec = msgpackCodec()

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

function expectRefused(bytes: Uint8Array): void {
  expect(() => codec.decode(bytes)).toThrow(expect.objectContaining({ name: 'CodecError', code: 'ERR_NOT_DECODABLE' }))
}

describe('bytes from a hostile peer', () => {
  const hostile: Record<string, string> = {
    nothing: '',
    'two values': '01 01',
    'a string cut short': 'a5 61 62',
    'a number cut short': 'cb 00 00',
    'an array that announces 4 billion items': 'dd ff ff ff ff 01',
    'a map that announces 4 billion entries': 'df ff ff ff ff a1 61 01',
    'a map with too few bytes for its entries': 'de 00 02 a1 61',
    'a string of 4 GiB': 'db ff ff ff ff 61',
    'a typed array of 4 GiB': 'c9 ff ff ff ff 74 01',
    'the key __proto__': '81 a9 5f 5f 70 72 6f 74 6f 5f 5f 80',
    'the key __proto__ in a longer form': '81 d9 09 5f 5f 70 72 6f 74 6f 5f 5f 80',
    'the key __proto__ in the longest form': '81 db 00 00 00 09 5f 5f 70 72 6f 74 6f 5f 5f 80',
    'a key that is a number': '81 01 01',
    'a key that is an object': '81 80 01',
    'a key that is an extension': '81 d4 00 00 01',
    'a record definition': 'd4 72 40 91 a1 61 01',
    'a record definition with two bytes': 'd5 72 40 00 91 a1 61 01',
    'a reference': 'd6 70 00 00 00 01',
    'an identity': 'd6 69 00 00 00 01 90',
    'a string bundle': 'd6 62 00 00 00 04 01 a0 a0',
    'a regular expression': 'd4 78 00 92 a1 61 a0',
    "msgpackr's own error": 'd4 65 00 93 a1 61 a1 62 c0',
    'a data view': 'c7 02 74 11 00',
    'a typed array of unknown kind': 'c7 02 74 0b 00',
    'a typed array without kind': 'c7 00 74',
    'a typed array that ends within an element': 'c7 04 74 03 00 00 00',
    'a bin': 'c4 01 00',
    'the byte that is never used': 'c1',
    'a set without its array': 'd4 73 00 a1 61',
    'a set that ends': 'd4 73 00',
    'a set in the wrong form': 'c7 01 73 00 90',
    'a tag without its array': 'd4 53 00 01',
    'a tag in the wrong form': 'd5 53 00 00 90',
    'a tag of unknown kind': 'd4 53 00 91 63',
    'an empty tag': 'd4 53 00 90',
    'a map tag with a key without value': 'd4 53 00 92 00 01',
    'a URL that is none': 'd4 53 00 92 02 a1 61',
    'a URL that is a number': 'd4 53 00 92 02 01',
    'an error without a message': 'd4 53 00 92 01 a1 61',
    'an error whose cause is malformed': 'd4 53 00 96 01 a1 61 a1 62 c0 c0 91 01',
    'text in the wrong kind of array': 'd4 53 00 92 04 a1 61',
    'an empty bigint': 'c7 00 42',
    'a date of 5 bytes': 'c7 05 ff 00 00 00 00 00',
    'an extension nobody knows': 'd4 01 00',
  }
  for (const [what, bytes] of Object.entries(hostile)) it(`refuses ${what}`, () => expectRefused(hex(bytes)))

  it('refuses nesting beyond the limit, of every kind, however deep', () => {
    const openers: [opener: string, closer: string][] = [
      ['91', '01'],
      ['81 a1 61', '01'],
      ['dc 00 01', '01'],
      ['d4 73 00 91', '01'],
      ['d4 53 00 93 00 01', '01'],
    ]
    for (const [opener, closer] of openers) {
      expect(() => codec.decode(hex(opener.repeat(64) + closer))).not.toThrow()
      expectRefused(hex(opener.repeat(65) + closer))
      expectRefused(hex(opener.repeat(200_000) + closer))
    }
  })

  it('refuses more bytes, and more objects, than the limits allow', () => {
    expectRefused(new Uint8Array(defaultCodecLimits.bytesMax + 1))
    const empties = Buffer.alloc(300_005, 0x80)
    empties.writeUInt8(0xdd, 0)
    empties.writeUInt32BE(300_000, 1)
    expectRefused(empties)
  })

  it('reads text that is not UTF-8, with replacements', () => {
    expect(codec.decode(hex('a2 ff 61'))).toBe('\ufffda')
  })
})

describe('7,000 random or damaged byte strings', () => {
  it('throw nothing but CodecError, and change no prototype', { timeout: 60_000 }, () => {
    const before = prototypesNow()
    const draw = seededDraw(20_250_101)
    const outcomes = { decoded: 0, refused: 0 }
    for (let round = 0; round < 7_000; round += 1) {
      const bytes = draw(4) === 0 ? randomBytes(draw) : damaged(draw, codec.encode(generateValue(draw, 3)))
      try {
        const value = codec.decode(bytes)
        outcomes.decoded += 1
        expectNoStrangePrototype(value)
      } catch (error) {
        if (!(error instanceof CodecError) || error.code !== 'ERR_NOT_DECODABLE') {
          expect.fail(`round ${round}, ${Buffer.from(bytes).toString('hex')}: ${String(error)}`)
        }
        outcomes.refused += 1
      }
    }
    expect(outcomes.decoded).toBeGreaterThan(1000)
    expect(outcomes.refused).toBeGreaterThan(1000)
    expect(prototypesNow().every((now, index) => now === before[index])).toBe(true)
    // Nothing of a refused value stays in msgpackr's state.
    expect(codec.decode(codec.encode({ still: ['works'] }))).toEqual({ still: ['works'] })
  })
})

// Mostly the bytes that begin something, so that random strings get somewhere.
function randomBytes(draw: Draw): Uint8Array {
  const openers = [
    0x81, 0x92, 0xa1, 0xa9, 0xc4, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd9, 0xdc, 0xde, 0x53, 0x73, 0x74, 0x42,
    0xff,
  ]
  return Uint8Array.from({ length: draw(60) }, () => (draw(2) === 0 ? pick(draw, openers) : draw(256)))
}

function damaged(draw: Draw, bytes: Uint8Array): Uint8Array {
  const copy = [...bytes]
  for (let times = 1 + draw(3); times > 0; times -= 1) {
    const at = draw(copy.length)
    const kind = draw(5)
    if (kind === 0) copy[at] = draw(256)
    else if (kind === 1) copy[at] = (copy[at] ?? 0) ^ (1 << draw(8))
    else if (kind === 2) copy.splice(at, 1 + draw(3))
    else if (kind === 3) copy.splice(at, 0, draw(256))
    else copy.splice(at, 0, ...hex('81 a9 5f 5f 70 72 6f 74 6f 5f 5f 81 a1 78 01'))
  }
  return Uint8Array.from(copy)
}

const watched = [Object, Array, Map, Set, Date, Error, URL, Uint8Array, String, Number, Function]

function prototypesNow(): unknown[] {
  return watched.flatMap(({ prototype }) => [Object.getPrototypeOf(prototype), Reflect.ownKeys(prototype).length])
}

function expectNoStrangePrototype(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) Object.values(value).forEach(expectNoStrangePrototype)
  else if (Array.isArray(value)) value.forEach(expectNoStrangePrototype)
  else if (value instanceof Map) for (const entry of value) entry.forEach(expectNoStrangePrototype)
  else if (value instanceof Set) value.forEach(expectNoStrangePrototype)
  else if (!known(prototype)) expect.fail(`a strange prototype on ${Object.prototype.toString.call(value)}`)
}

function known(prototype: unknown): boolean {
  if ([Date, Error, URL, ArrayBuffer].some((made) => made.prototype === prototype)) return true
  return Object.getPrototypeOf(prototype) === Object.getPrototypeOf(Uint8Array.prototype)
}

describe('what a decoded value is taken to need', () => {
  it.each<[string, unknown, number]>([
    ['a short text', 'tea', 0],
    ['typed array', new Uint8Array(5_000), 0],
    ['an empty object', {}, 64],
    ['a hundred empty objects', Array.from({ length: 100 }, () => ({})), 64 + 100 * (16 + 64)],
    ['a hundred empty sets', Array.from({ length: 100 }, () => new Set()), 64 + 100 * (16 + 192)],
    ['an object of two properties', { a: 1, b: 'c' }, 64 + 4 * 16],
  ])('counts %s', (_what, value, cost) => {
    codec.decode(codec.encode(Array.from({ length: 9 }, () => new Map())))
    expect(codec.decodedCost).toBeGreaterThan(9 * 192)
    codec.decode(codec.encode(value))
    expect(codec.decodedCost).toBe(cost)
  })

  it('is bounded for each: more values than that are refused, at both ends', () => {
    const { valuesMax } = defaultCodecLimits
    const bytes = new Uint8Array(valuesMax + 6)
    bytes[0] = 0xdd
    new DataView(bytes.buffer).setUint32(1, valuesMax)
    expect(codec.decode(bytes.subarray(0, valuesMax + 5))).toHaveLength(valuesMax)
    new DataView(bytes.buffer).setUint32(1, valuesMax + 1)
    expectRefused(bytes)
    const many = Array.from({ length: valuesMax + 1 }, () => 0)
    expect(() => codec.encode({ many }, 'order')).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_ENCODABLE', path: 'order.many' }),
    )
  })
})
