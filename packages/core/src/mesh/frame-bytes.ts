import { RuntimeError } from '../base/runtime-error.ts'

/** A frame that no Skerry node of this protocol version sends. The link it came on is closed. */
export class FrameError extends RuntimeError {
  declare readonly code: 'ERR_BAD_FRAME'

  constructor(message: string) {
    super('ERR_BAD_FRAME', `Bad frame: ${message}`)
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
// The longest name (procedure, handler, key, region) in a header, in bytes.
const textBytesMax = 1_024

/** Writes the fields of one frame after another into a buffer that is kept from frame to frame. */
export class FrameWriter {
  #buffer = new Uint8Array(8_192)
  #length = 0

  start(kind: number): void {
    this.#length = 0
    this.#ensure(1)
    this.#buffer[this.#length++] = kind
  }

  /** A whole number from 0 to 2^53-1, in groups of seven bits, lowest first. */
  number(value: number): void {
    this.#ensure(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
  }

  text(value: string): void {
    if (value.length > textBytesMax)
      throw new FrameError(`a name of ${value.length} characters; ${textBytesMax} bytes is the most`)
    const bytes = encoder.encode(value)
    if (bytes.length > textBytesMax)
      throw new FrameError(`a name of ${bytes.length} bytes; ${textBytesMax} is the most`)
    this.number(bytes.length)
    this.rest(bytes)
  }

  address(pid: { readonly thread: number; readonly serial: number }): void {
    this.number(pid.thread)
    this.number(pid.serial)
  }

  rest(bytes: Uint8Array): void {
    this.#ensure(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  finish(): Uint8Array {
    const frame = this.#buffer.slice(0, this.#length)
    // One huge frame must not be paid for ever.
    if (this.#buffer.length > 1 << 20) this.#buffer = new Uint8Array(8_192)
    return frame
  }

  #ensure(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    let size = this.#buffer.length * 2
    while (size < this.#length + more) size *= 2
    const grown = new Uint8Array(size)
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}

/** Reads them back. Every read checks what is left; nothing is allocated on a peer's word. */
export class FrameReader {
  readonly #frame: Uint8Array
  #at = 0

  constructor(frame: Uint8Array) {
    this.#frame = frame
  }

  kind(): number {
    return this.#byte()
  }

  number(): number {
    let value = 0
    let scale = 1
    for (let group = 0; group < 8; group += 1) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw this.error('a number beyond 2^53')
        return value
      }
      scale *= 0x80
    }
    throw this.error('a number of more than eight bytes')
  }

  text(): string {
    const length = this.number()
    if (length > textBytesMax) throw this.error(`a name of ${length} bytes`)
    if (length > this.#frame.length - this.#at) throw this.error('it ends within a name')
    const bytes = this.#frame.subarray(this.#at, this.#at + length)
    this.#at += length
    try {
      return decoder.decode(bytes)
    } catch {
      throw this.error('a name that is not UTF-8')
    }
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    const bytes = this.#frame.subarray(this.#at)
    this.#at = this.#frame.length
    return bytes
  }

  error(message: string): FrameError {
    return new FrameError(message)
  }

  #byte(): number {
    const byte = this.#frame[this.#at]
    if (byte === undefined) throw this.error('it ends too early')
    this.#at += 1
    return byte
  }
}
