import { msgpackr } from '../../src/codec/msgpackr.ts'
import { describe, expect, it } from 'vitest'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { decodeShort, encodeShort, notShort } from '../../src/codec/short-values.ts'

const { Packr } = msgpackr()
const packr = new Packr({ useRecords: false, moreTypes: true, variableMapSize: true })
const texts = Array.from({ length: 63 }, (_, length) => 'aZ09 ~\0\x7f'.repeat(8).slice(0, length))
const integers = Array.from({ length: 160 }, (_, index) => index - 32)

describe('a short value', () => {
  it('is written as msgpackr would, and read back', () => {
    const codec = msgpackCodec()
    for (const value of [...texts, ...integers, true, false, null]) {
      const bytes = encodeShort(value)
      expect(bytes, String(value)).toBeDefined()
      expect(Buffer.compare(bytes as Uint8Array, packr.pack(value)), String(value)).toBe(0)
      expect(codec.decode(codec.encode(value))).toBe(value)
      const read = decodeShort(bytes as Uint8Array)
      expect([value, notShort]).toContain(read)
    }
  })

  it('is none that needs more than a byte or plain text', () => {
    for (const value of [
      'é',
      '\ud800',
      '\ufeff',
      'a'.repeat(63),
      128,
      -33,
      -0,
      0.5,
      NaN,
      2 ** 40,
      1n,
      undefined,
      [],
      {},
    ]) {
      expect(encodeShort(value)).toBeUndefined()
    }
  })

  it('is not read from bytes that are more, less or something else', () => {
    const codec = msgpackCodec()
    const bytes = encodeShort('skerry') as Uint8Array
    for (const wrong of [
      bytes.slice(0, -1),
      new Uint8Array([...bytes, 0]),
      new Uint8Array([0xc1]),
      new Uint8Array([0xa1]),
    ]) {
      expect(decodeShort(wrong)).toBe(notShort)
      expect(() => codec.decode(wrong)).toThrow(expect.objectContaining({ code: 'ERR_NOT_DECODABLE' }))
    }
    // Text beyond ASCII is for the system, wherever that stands in it.
    for (let length = 1; length <= 23; length += 1) {
      for (let at = 0; at < length; at += 1) {
        const text = encodeShort('abcdefghijklmnopqrstuvw'.slice(0, length)) as Uint8Array
        expect(decodeShort(text)).toBe('abcdefghijklmnopqrstuvw'.slice(0, length))
        text[1 + at] = 0x80
        expect(decodeShort(text)).toBe(notShort)
      }
    }
    expect(decodeShort(codec.encode('é'))).toBe(notShort)
    expect(codec.decode(codec.encode('é'))).toBe('é')
  })
})
