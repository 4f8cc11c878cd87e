import { RuntimeError } from '../base/runtime-error.ts'
import { asciiText, decodeShort, notShort, shortBytesMax, writeShort } from '../codec/short-values.ts'
import { BlockSlice, type BlockWriter } from './block-slice.ts'
import { SplitMessage } from './split-message.ts'

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
// Below this, one byte holds a length, and a loop beats the encoder and the decoder.
const shortChars = 64
/** Up to here a loop beats the system's copy. */
const shortBytes = 24

/** Frames are cut out of blocks of so many bytes: an array of its own for each would cost more than what is in it. */
const blockBytes = 16 * 1024
/** A new block is begun rather than a frame at the end of the old one, which would soon have to move. */
const roomBytesMin = 512
/** A body as large as this is copied once, to where it stays, and not by way of a block. */
const largeBytesMin = 4 * 1024
/** A body as large as this is not copied: it goes to the transport as it is, or in parts, which are cut out of it one by one. */
const splitBytesMin = 16 * 1024

/**
 * Writes the fields of one frame after another. Nothing is written over but what was given back, so a frame may be kept; it keeps alive its
 * neighbours of the same 16 KiB.
 */
export class FrameWriter implements BlockWriter {
  #block: Uint8Array = new Uint8Array(blockBytes)
  #from = 0
  #end = 0
  #body: Uint8Array | undefined
  /** The name that was written last, and the one whose bytes are kept: the one that was written twice in a row. */
  #lastName = ''
  #known: KnownName = noName

  /** `prefix` goes before the kind: room for what the link says. */
  start(prefix: number, kind: number): void {
    if (this.#block.length - this.#end < roomBytesMin) this.#begin(new Uint8Array(blockBytes))
    // What an encoding that threw has left is written over: nobody has it.
    this.#end = this.#from
    this.#body = undefined
    this.#block[this.#end++] = prefix
    this.#block[this.#end++] = kind
  }

  /** A whole number from 0 to 2^53-1, in groups of seven bits, lowest first. */
  number(value: number): void {
    this.#ensure(8)
    const block = this.#block
    let end = this.#end
    let rest = value
    // No shift can do that beyond 31 bits.
    while (rest > 0x7fff_ffff) {
      block[end++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    while (rest >= 0x80) {
      block[end++] = (rest & 0x7f) | 0x80
      rest >>= 7
    }
    block[end++] = rest
    this.#end = end
  }

  text(value: string, bytesMax: number = textBytesMax): void {
    if (value.length > bytesMax)
      throw new FrameError(`a name of ${value.length} characters; ${bytesMax} bytes is the most`)
    if (value.length < shortChars && this.#shortAscii(value)) return
    const bytes = encoder.encode(value)
    if (bytes.length > bytesMax) throw new FrameError(`a name of ${bytes.length} bytes; ${bytesMax} is the most`)
    this.number(bytes.length)
    this.#append(bytes)
  }

  /** A text of which there are few, such as a procedure's name: the same bytes as those of `text`. */
  name(value: string): void {
    const known = this.#known
    if (value !== known.text) {
      this.#otherName(value)
      return
    }
    const { bytes } = known
    this.#ensure(shortChars)
    const block = this.#block
    const at = this.#end + 1
    block[this.#end] = bytes.length
    for (let index = 0; index < bytes.length; index += 1) block[at + index] = bytes[index] as number
    this.#end = at + bytes.length
  }

  #otherName(value: string): void {
    const at = this.#end - this.#from
    this.text(value)
    if (value === this.#lastName && value.length < shortChars) {
      const bytes = this.#block.slice(this.#from + at + 1, this.#end)
      if (bytes.length === value.length) this.#known = { text: value, bytes }
    }
    this.#lastName = value
  }

  address(pid: { readonly thread: number; readonly serial: number }): void {
    this.number(pid.thread)
    this.number(pid.serial)
  }

  /** The last field. */
  rest(bytes: Uint8Array): void {
    if (bytes.length < largeBytesMin) this.#append(bytes)
    else this.#body = bytes
  }

  /** The last field, if it is a short value. */
  short(value: unknown): boolean {
    this.#ensure(shortBytesMax)
    const length = writeShort(value, this.#block, this.#end)
    this.#end += length
    return length > 0
  }

  finish(): Uint8Array {
    const written = this.finishMessage()
    return written instanceof SplitMessage ? written.join() : written.view()
  }

  /** The same, but a body of 16 KiB or more stays apart, where it is. */
  finishMessage(): BlockSlice | SplitMessage {
    const head = new BlockSlice(this.#block, this.#from, this.#end, this)
    const body = this.#body
    if (body === undefined) {
      this.#from = this.#end
      return head
    }
    this.#body = undefined
    if (body.length >= splitBytesMin) {
      this.#from = this.#end
      return new SplitMessage(head.view(), body)
    }
    const frame = new Uint8Array(head.byteLength + body.length)
    frame.set(head.view())
    frame.set(body, head.byteLength)
    return new BlockSlice(frame, 0, frame.length)
  }

  /** The next frame goes where it was, if no other was begun behind it. One that is all of its block stays: a transport may keep that as it is. */
  takeBack({ block, from, end }: BlockSlice): void {
    if (block !== this.#block || end !== this.#end) return
    if (end - from < block.length) this.#from = this.#end = from
  }

  /** Most names are short and plain, and then the encoder's call costs more than all of it. */
  #shortAscii(value: string): boolean {
    this.#ensure(shortChars)
    const at = this.#end + 1
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index)
      if (code >= 0x80) return false
      this.#block[at + index] = code
    }
    this.#block[this.#end] = value.length
    this.#end = at + value.length
    return true
  }

  #append(bytes: Uint8Array): void {
    const { length } = bytes
    this.#ensure(length)
    if (length > shortBytes) this.#block.set(bytes, this.#end)
    else for (let index = 0; index < length; index += 1) this.#block[this.#end + index] = bytes[index] as number
    this.#end += length
  }

  #ensure(more: number): void {
    if (this.#end + more > this.#block.length) this.#begin(new Uint8Array(blockBytes + more))
  }

  /** What is written of this frame moves along. */
  #begin(block: Uint8Array): void {
    block.set(this.#block.subarray(this.#from, this.#end))
    this.#end -= this.#from
    this.#from = 0
    this.#block = block
  }
}

/** A short name, and its bytes: two arrays of bytes are compared and copied in half of the time that the characters of a text take. */
interface KnownName {
  readonly text: string
  readonly bytes: Uint8Array
}

const noName: KnownName = { text: '', bytes: new Uint8Array() }
/** The names that were read last, by a hash of their bytes. A peer that sends others all the time only makes them anew. */
const knownNamesMax = 256
const knownNames: KnownName[] = Array.from({ length: knownNamesMax }, () => noName)
/** The very last one: mostly the same comes again. */
let lastRead: KnownName = noName

/** Reads them back. Every read checks what is left; nothing is allocated on a peer's word. */
export class FrameReader {
  #frame: Uint8Array
  #at: number
  #end: number
  /** Whether a view of the frame was given out. */
  gaveRest = false

  /** The frame are the bytes from `at` to `end`. */
  constructor(frame: Uint8Array, at = 0, end: number = frame.length) {
    this.#frame = frame
    this.#at = at
    this.#end = end
  }

  /** Begins with another frame: one reader for all costs less than one for each. */
  open(frame: Uint8Array, at: number, end: number): void {
    this.gaveRest = false
    this.#frame = frame
    this.#at = at
    this.#end = end
  }

  kind(): number {
    return this.#byte()
  }

  number(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    let value = first & 0x7f
    // Most have no more than 28 bits.
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.#byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return this.#large(value)
  }

  /** Goes on behind the first four groups. */
  #large(begun: number): number {
    let value = begun
    let scale = 2 ** 28
    for (let group = 4; group < 8; group += 1) {
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

  text(bytesMax: number = textBytesMax): string {
    const length = this.number()
    if (length === 0) return ''
    if (length > bytesMax) throw this.error(`a name of ${length} bytes`)
    if (length > this.#end - this.#at) throw this.error('it ends within a name')
    if (length < shortChars) {
      const short = this.#shortAscii(length)
      if (short !== undefined) return short
    }
    const bytes = this.#frame.subarray(this.#at, this.#at + length)
    this.#at += length
    try {
      return decoder.decode(bytes)
    } catch {
      throw this.error('a name that is not UTF-8')
    }
  }

  /**
   * A text of which there are few, such as a procedure's name: the one that was read last time is given again, which is a tenth
   * of making it, and costs whoever looks it up no comparison.
   */
  name(): string {
    const at = this.#at
    const length = at < this.#end ? (this.#frame[at] as number) : 0
    const end = at + 1 + length
    if (length === 0 || length >= shortChars || end > this.#end) return this.text()
    if (lastRead.bytes.length === length && this.#isAt(at + 1, lastRead.bytes)) {
      this.#at = end
      return lastRead.text
    }
    let hash = length
    for (let index = at + 1; index < end; index += 1) hash = (Math.imul(hash, 31) + (this.#frame[index] as number)) | 0
    const slot = hash & (knownNamesMax - 1)
    const known = knownNames[slot] as KnownName
    if (known.bytes.length === length && this.#isAt(at + 1, known.bytes)) {
      this.#at = end
      lastRead = known
      return known.text
    }
    const text = this.text()
    knownNames[slot] = { text, bytes: this.#frame.slice(at + 1, end) }
    return text
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    const bytes = this.#frame.subarray(this.#at, this.#end)
    this.#at = this.#end
    this.gaveRest = true
    return bytes
  }

  /** Everything that is left, where that is a short value; otherwise `notShort`, and nothing was read. */
  short(): unknown {
    const left = this.#end - this.#at
    return left > 0 && left <= shortBytesMax ? decodeShort(this.#frame, this.#at, this.#end) : notShort
  }

  error(message: string): FrameError {
    return new FrameError(message)
  }

  #isAt(at: number, bytes: Uint8Array): boolean {
    const frame = this.#frame
    for (let index = 0; index < bytes.length; index += 1) if (bytes[index] !== frame[at + index]) return false
    return true
  }

  #shortAscii(length: number): string | undefined {
    const text = asciiText(this.#frame, this.#at, this.#at + length)
    if (text !== undefined) this.#at += length
    return text
  }

  #byte(): number {
    const at = this.#at
    if (at >= this.#end) throw this.error('it ends too early')
    this.#at = at + 1
    return this.#frame[at] as number
  }
}
