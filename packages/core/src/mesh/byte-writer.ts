import { assert } from '../base/assert.ts'

const utf8 = new TextEncoder()

// Eight bytes to turn a float into its own and back. Views on a buffer of each message would cost more than the rest.
const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** Builds bytes field by field, big-endian, growing as needed. The other half is {@link ByteReader}. */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  // An array of up to 64 bytes lies in the heap beside its object, which is ten times as cheap as one that does not.
  constructor(initialBytes = 64) {
    this.#bytes = new Uint8Array(initialBytes)
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  u16(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, 'it fits in 16 bits')
    const at = this.#reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  u32(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'it fits in 32 bits')
    const at = this.#reserve(4)
    this.#store32(at, value)
    return this
  }

  /** A safe integer, from 0. */
  integer(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'it is a safe integer from 0')
    const at = this.#reserve(8)
    this.#store32(at, Math.floor(value / 2 ** 32))
    this.#store32(at + 4, value >>> 0)
    return this
  }

  float(value: number): this {
    const at = this.#reserve(8)
    float[0] = value
    for (let index = 0; index < 8; index += 1) {
      this.#bytes[at + index] = floatBytes[isLittleEndian ? 7 - index : index] as number
    }
    return this
  }

  /** UTF-8 behind its length in 16 bits. */
  text(value: string): this {
    const encoded = utf8.encode(value)
    this.u16(encoded.byteLength)
    return this.raw(encoded)
  }

  /** Bytes behind their length in 32 bits. */
  bytes(value: Uint8Array): this {
    this.u32(value.byteLength)
    return this.raw(value)
  }

  /** Bytes without a length: the reader takes what is left. */
  raw(value: Uint8Array): this {
    const at = this.#reserve(value.byteLength)
    this.#bytes.set(value, at)
    return this
  }

  get length(): number {
    return this.#length
  }

  /** A copy of what was written, of exactly its size. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.byteLength * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return at
  }

  #store32(at: number, value: number): void {
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
  }
}

/** The size of `value` in UTF-8, which is what the limits on text count. */
export function textBytes(value: string): number {
  return utf8.encode(value).byteLength
}
