import { RuntimeError } from '../base/runtime-error.ts'

/** Bytes from a peer that are not what they should be. Whoever decodes catches it, counts it and closes the link. */
export class MalformedError extends RuntimeError {
  declare readonly code: 'ERR_MALFORMED'

  constructor(message: string) {
    super('ERR_MALFORMED', message)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads what {@link ByteWriter} wrote, from bytes that nobody vouches for: every read checks the end and the given
 * limit, and throws a {@link MalformedError}. Byte results are views of the input, not copies.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  /** A safe integer, from 0. */
  integer(): number {
    const value = this.#view.getBigUint64(this.#take(8))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedError('an integer beyond the safe range')
    return Number(value)
  }

  /** Any finite number from `least` to `most`. */
  float(least: number, most: number): number {
    const value = this.#view.getFloat64(this.#take(8))
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

  #take(size: number): number {
    const at = this.#at
    if (at + size > this.#bytes.byteLength) throw new MalformedError('the bytes end too soon')
    this.#at += size
    return at
  }
}
