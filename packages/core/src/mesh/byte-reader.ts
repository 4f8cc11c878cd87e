import { RuntimeError } from '../base/runtime-error.ts'

/** Bytes from a peer that are not what they should be. Whoever decodes catches it, counts it and closes the link. */
export class MalformedError extends RuntimeError {
  declare readonly code: 'ERR_MALFORMED'

  constructor(message: string) {
    super('ERR_MALFORMED', message)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
// Eight bytes to turn into a float: a view on the buffer of each message would cost more than the rest.
const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/**
 * Reads what {@link ByteWriter} wrote, from bytes that nobody vouches for: every read checks the end and the given
 * limit, and throws a {@link MalformedError}. Byte results are views of the input, not copies.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  u8(): number {
    return this.#byte(this.#take(1))
  }

  u16(): number {
    const at = this.#take(2)
    return this.#byte(at) * 0x100 + this.#byte(at + 1)
  }

  u32(): number {
    const at = this.#take(4)
    return this.#byte(at) * 0x100_0000 + (this.#byte(at + 1) << 16) + (this.#byte(at + 2) << 8) + this.#byte(at + 3)
  }

  /** A safe integer, from 0. */
  integer(): number {
    const value = this.u32() * 2 ** 32 + this.u32()
    if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError('an integer beyond the safe range')
    return value
  }

  /** Any finite number from `least` to `most`. */
  float(least: number, most: number): number {
    const at = this.#take(8)
    for (let index = 0; index < 8; index += 1) floatBytes[isLittleEndian ? 7 - index : index] = this.#byte(at + index)
    const value = float[0] as number
    if (!(value >= least && value <= most)) throw new MalformedError(`a number outside ${least} to ${most}`)
    return value
  }

  /** How many items follow: at most `most`. */
  count(most: number): number {
    const count = this.u16()
    if (count > most) throw new MalformedError(`${count} items, at most ${most} allowed`)
    return count
  }

  text(bytesMax: number): string {
    const length = this.u16()
    if (length > bytesMax) throw new MalformedError(`a text of ${length} bytes, at most ${bytesMax} allowed`)
    const at = this.#take(length)
    try {
      return utf8.decode(this.#bytes.subarray(at, at + length))
    } catch (error) {
      if (error instanceof TypeError) throw new MalformedError('a text that is not UTF-8')
      throw error
    }
  }

  bytes(bytesMax: number): Uint8Array {
    const length = this.u32()
    if (length > bytesMax) throw new MalformedError(`${length} bytes, at most ${bytesMax} allowed`)
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    const at = this.#take(this.left)
    return this.#bytes.subarray(at)
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.left > 0) throw new MalformedError(`${this.left} bytes too many`)
  }

  #byte(at: number): number {
    return this.#bytes[at] as number
  }

  #take(size: number): number {
    const at = this.#at
    if (at + size > this.#bytes.byteLength) throw new MalformedError('the bytes end too soon')
    this.#at += size
    return at
  }
}
