import { describe, expect, it } from 'vitest'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { msgpackr } from '../../src/codec/msgpackr.ts'

const codec = msgpackCodec()
const mebibyte = 1024 * 1024
const kinds = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** A large array of each kind, with bytes that tell their place, in the middle of a buffer. */
function large(Kind: (typeof kinds)[number]): InstanceType<typeof Kind> {
  const bytes = new Uint8Array(2 * mebibyte).map((_, index) => index * 7)
  return new (Kind as Uint8ArrayConstructor)(bytes.buffer, 16, mebibyte / Kind.BYTES_PER_ELEMENT)
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
const same = (one: ArrayBufferView, other: ArrayBufferView): boolean =>
  Buffer.compare(bytesOf(one), bytesOf(other)) === 0

describe('a value that is a small typed array', () => {
  for (const Kind of kinds) {
    it(`is written as msgpackr would, and comes back as a copy: ${Kind.name}`, () => {
      const { Packr } = msgpackr()
      const packr = new Packr({ useRecords: false, moreTypes: true, variableMapSize: true })
      const { buffer } = large(Kind)
      for (const bytes of [0, 8, 16, 240, 248, 256, 4_096, 65_528, 65_536, 200_000]) {
        const size = bytes / Kind.BYTES_PER_ELEMENT
        const value = new (Kind as Uint8ArrayConstructor)(buffer, 16, size)
        const encoded = codec.encode(value)
        expect(Buffer.compare(encoded, packr.pack(value))).toBe(0)
        // In the middle of others, as a frame's body is.
        const among = Buffer.concat([Buffer.alloc(3), encoded, Buffer.alloc(5)]).subarray(3, 3 + encoded.length)
        for (const given of [false, true]) {
          const back = codec.decode(among, given) as ArrayBufferView
          expect(back).toBeInstanceOf(Kind)
          expect(same(back, value)).toBe(true)
          expect(back.buffer.byteLength).toBe(back.byteLength)
        }
      }
    })
  }

  it('is refused where it is cut short, too long, of no kind, or ends within an element', () => {
    const bytes = codec.encode(new Uint16Array([1, 2, 3]))
    const damaged = (at: number, to: number): Uint8Array => bytes.map((byte, index) => (index === at ? to : byte))
    const wrong = [
      bytes.slice(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      damaged(3, 60),
      damaged(3, 7),
      damaged(1, 6),
    ]
    for (const one of wrong)
      expect(() => codec.decode(one)).toThrow(expect.objectContaining({ code: 'ERR_NOT_DECODABLE' }))
    for (let length = 0; length < 4; length += 1) expect(() => codec.decode(bytes.slice(0, length))).toThrow()
  })
})

describe('a value that is a large typed array', () => {
  for (const Kind of kinds) {
    it(`is written as msgpackr would, and read, given or not: ${Kind.name}`, () => {
      const value = large(Kind)
      const bytes = codec.encode(value)
      const { Packr } = msgpackr()
      const packr = new Packr({ useRecords: false, moreTypes: true, variableMapSize: true })
      expect(same(bytes, packr.pack(value))).toBe(true)
      for (const given of [false, true]) {
        const back = codec.decode(bytes, given) as ArrayBufferView
        expect(back).toBeInstanceOf(Kind)
        expect(same(back, value)).toBe(true)
      }
    })
  }

  it('is copied when it is encoded', () => {
    const value = new Uint8Array(mebibyte).fill(1)
    const bytes = codec.encode(value)
    value.fill(2)
    expect((codec.decode(bytes) as Uint8Array).every((byte) => byte === 1)).toBe(true)
  })

  it('counts for the limit of bytes', () => {
    const small = msgpackCodec({ bytesMax: mebibyte })
    expect(() => small.encode(new Uint8Array(mebibyte))).toThrow(expect.objectContaining({ code: 'ERR_NOT_ENCODABLE' }))
  })
})

describe('bytes that are given to the codec', () => {
  const isPart = (view: ArrayBufferView, bytes: Uint8Array): boolean => view.buffer === bytes.buffer

  it('are pointed into by a large array, wherever in the value it is', () => {
    const bytes = codec.encode({ name: 'photo', body: new Uint8Array(mebibyte) })
    expect(isPart((codec.decode(bytes, true) as { body: Uint8Array }).body, bytes)).toBe(true)
  })

  it('are not pointed into by small arrays, by array buffers, or by arrays that are the lesser part of them', () => {
    const small = codec.encode(new Uint8Array(mebibyte - 1))
    expect(isPart(codec.decode(small, true) as Uint8Array, small)).toBe(false)
    const raw = codec.encode(new ArrayBuffer(mebibyte))
    expect(codec.decode(raw, true)).not.toBe(raw.buffer)
    expect((codec.decode(raw, true) as ArrayBuffer).byteLength).toBe(mebibyte)
    const two = codec.encode([new Uint8Array(mebibyte), new Uint8Array(mebibyte)])
    for (const one of codec.decode(two, true) as Uint8Array[]) expect(isPart(one, two)).toBe(false)
  })

  it('are copied where an array would not be aligned', () => {
    for (let shift = 0; shift < 8; shift += 1) {
      const bytes = codec.encode(large(Float64Array))
      const shifted = new Uint8Array(bytes.length + shift)
      shifted.set(bytes, shift)
      const back = codec.decode(shifted.subarray(shift), true) as Float64Array
      expect(isPart(back, shifted)).toBe((shift + 7) % 8 === 0)
      expect(same(back, large(Float64Array))).toBe(true)
    }
  })

  it('are copied again by the next value that is not given', () => {
    const bytes = codec.encode(new Uint8Array(mebibyte))
    codec.decode(bytes, true)
    expect(() => codec.decode(bytes.subarray(0, mebibyte), true)).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_DECODABLE' }),
    )
    expect(isPart(codec.decode(bytes) as Uint8Array, bytes)).toBe(false)
  })
})
