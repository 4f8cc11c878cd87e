import { assert } from '../base/assert.ts'

const utf8 = new TextEncoder()

/** Builds bytes field by field, big-endian, growing as needed. The other half is {@link ByteReader}. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(initialBytes = 128) {
    this.#bytes = new Uint8Array(initialBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#view.setUint8(at, value)
    return this
  }

  u16(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, `${value} fits in 16 bits`)
    const at = this.#reserve(2)
    this.#view.setUint16(at, value)
    return this
  }

  u32(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, `${value} fits in 32 bits`)
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
    return this
  }

  /** A safe integer, from 0. */
  integer(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is a safe integer from 0`)
    const at = this.#reserve(8)
    this.#view.setBigUint64(at, BigInt(value))
    return this
  }

  float(value: number): this {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value)
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
      this.#view = new DataView(grown.buffer)
    }
    return at
  }
}

/** The size of `value` in UTF-8, which is what the limits on text count. */
export function textBytes(value: string): number {
  return utf8.encode(value).byteLength
}
