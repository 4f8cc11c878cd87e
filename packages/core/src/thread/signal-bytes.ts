import type { NodeId, Pid } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'
import { encodeShort } from '../codec/short-values.ts'

// Structured clone takes about a microsecond for a signal with its Pids, on each side; bytes take a tenth of that. Only
// what is sent often is packed: bodies to actors of the same node. Everything else is cloned.

// From `call` on they have a number behind their Pids.
const kinds = { read: 0, message: 1, cast: 2, call: 3, reply: 4, item: 5 } as const

/** A larger body is cloned by itself: it would be copied once more here. */
const bodyBytesMax = 16 * 1024
/** The names of calls and casts that one channel abbreviates; signals of later names are cloned. */
const namesMax = 4_096
const nameCharsMax = 255
/** kind, thread, serial, thread, serial, ref or seq, name's index, name's length, body's length */
const headBytesMax = 1 + 4 + 8 + 4 + 8 + 8 + 2 + 1 + 4
const firstBytes = 1_024
/**
 * So much goes over as a string of Latin-1: Node clones a short string with far less ado than a typed array, whose memory is
 * no part of the heap. A longer one is copied about as fast either way, and from some size on much slower.
 */
const textCharsMax = 4_096
/** A buffer that grew beyond this is not kept. */
const keptBytesMax = 256 * 1024

/** What a reader takes at a time to put strings into. A body that somebody keeps keeps all of it. */
const slabBytes = 8 * 1024

/** What was packed, as it is posted. */
export type Packed = Uint8Array | string

export interface Home {
  readonly node: NodeId
  readonly life: number
}

/** Packs signals for a thread of the same node. What {@link SignalReader} of the other side needs to know, it learns in order. */
export class SignalWriter {
  readonly #home: Home
  readonly #names = new Map<string, number>()
  #bytes: Buffer = Buffer.allocUnsafeSlow(firstBytes)
  #length = 0

  constructor(home: Home) {
    this.#home = home
  }

  /** Whether nothing was added since the last `take`. */
  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** Adds it; `false`: it is none that is packed. */
  add(signal: Signal): boolean {
    switch (signal.type) {
      // What is counted is large, and must not lose that.
      case 'message':
        if (signal.held !== undefined) return false
        return this.#addBody(kinds.message, signal.to, undefined, 0, undefined, signal.message, signal.encoded)
      case 'cast':
        if (signal.held !== undefined) return false
        return this.#addBody(kinds.cast, signal.to, undefined, 0, signal.name, signal.args, signal.encoded)
      case 'call':
        // One with a trace is cloned whole: tracing costs more than that.
        if (signal.trace !== undefined || signal.held !== undefined) return false
        return this.#addBody(kinds.call, signal.to, signal.from, signal.ref, signal.name, signal.args, signal.encoded)
      case 'reply': {
        const { result, via, served } = signal
        if (!result.ok || result.token !== undefined || via !== undefined || served !== undefined) return false
        // A short value that is none of the shortest is cloned.
        const value = result.encoded ? result.value : encodeShort(result.value)
        return this.#addBody(kinds.reply, signal.to, undefined, signal.ref, undefined, value, value !== undefined)
      }
      case 'item':
        return this.#addBody(kinds.item, signal.to, signal.from, signal.seq, undefined, signal.item, true)
      default:
        return false
    }
  }

  addRead(count: number): void {
    this.#reserve(headBytesMax)
    this.#u8(kinds.read)
    this.#u32(count)
  }

  /** What was added since the last time. */
  take(): Packed {
    const length = this.#length
    this.#length = 0
    if (length <= textCharsMax) return this.#bytes.toString('latin1', 0, length)
    const taken = new Uint8Array(this.#bytes.subarray(0, length))
    if (this.#bytes.length > keptBytesMax) this.#replace(firstBytes)
    return taken
  }

  #addBody(
    kind: number,
    to: Pid,
    from: Pid | undefined,
    ref: number,
    name: string | undefined,
    body: unknown,
    encoded: boolean,
  ): boolean {
    if (!encoded || !(body instanceof Uint8Array) || body.length > bodyBytesMax) return false
    if (!this.#isOfHome(to) || (from !== undefined && !this.#isOfHome(from))) return false
    let nameIndex = -1
    let isNew = false
    if (name !== undefined) {
      const known = this.#names.get(name)
      if (known === undefined) {
        if (this.#names.size >= namesMax || !isShortAscii(name)) return false
        isNew = true
        nameIndex = this.#names.size
        this.#names.set(name, nameIndex)
      } else nameIndex = known
    }
    this.#reserve(headBytesMax + nameCharsMax + body.length)
    this.#u8(kind)
    this.#pid(to)
    if (from !== undefined) this.#pid(from)
    if (kind >= kinds.call) this.#u53(ref)
    if (name !== undefined) {
      this.#u16(nameIndex)
      if (isNew) {
        this.#u8(name.length)
        for (let index = 0; index < name.length; index += 1) this.#u8(name.charCodeAt(index))
      }
    }
    this.#u32(body.length)
    this.#bytes.set(body, this.#length)
    this.#length += body.length
    return true
  }

  #isOfHome(pid: Pid): boolean {
    return pid.node === this.#home.node && pid.life === this.#home.life
  }

  #pid(pid: Pid): void {
    this.#u32(pid.thread)
    this.#u53(pid.serial)
  }

  #u8(value: number): void {
    this.#bytes[this.#length] = value
    this.#length += 1
  }

  #u16(value: number): void {
    const at = this.#length
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    this.#length = at + 2
  }

  #u32(value: number): void {
    const at = this.#length
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
    this.#length = at + 4
  }

  /** A whole number up to 2 ** 53. */
  #u53(value: number): void {
    this.#u32(Math.floor(value / 2 ** 32))
    this.#u32(value >>> 0)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const before = this.#bytes.subarray(0, this.#length)
    this.#replace(Math.max(this.#bytes.length * 2, this.#length + more))
    this.#bytes.set(before)
  }

  #replace(bytes: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(bytes)
  }
}

/** Who is told what is read, in order. */
export interface SignalSink {
  signal(signal: Signal): void
  /** The other side has read so many messages. */
  read(count: number): void
}

/** Reads what one {@link SignalWriter} wrote, all of it and in order. */
export class SignalReader {
  readonly #home: Home
  readonly #names: string[] = []
  /** What is read, from `#at` on. */
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  // Where strings become bytes, one behind the other: bodies are views of it, and nothing in it is written twice.
  #slab: Buffer = Buffer.allocUnsafeSlow(0)
  #slabBytes: Uint8Array = this.#slab
  #slabUsed = 0
  /** The last ones: most signals of a channel are from and to few. */
  #to: Pid
  #from: Pid

  constructor(home: Home) {
    this.#home = home
    this.#to = { node: home.node, life: home.life, thread: 0, serial: 0 }
    this.#from = this.#to
  }

  read(packed: Packed, sink: SignalSink): void {
    let end: number
    if (typeof packed === 'string') end = this.#place(packed)
    else {
      this.#bytes = packed
      this.#at = 0
      end = packed.length
    }
    while (this.#at < end) {
      const kind = this.#u8()
      if (kind === kinds.read) sink.read(this.#u32())
      else sink.signal(this.#signal(kind))
    }
  }

  /** Gives back where it ends. */
  #place(text: string): number {
    if (this.#slabUsed + text.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      // Views of a Buffer would be Buffers, which are made more slowly.
      this.#slabBytes = new Uint8Array(this.#slab.buffer)
      this.#slabUsed = 0
    }
    this.#bytes = this.#slabBytes
    this.#at = this.#slabUsed
    this.#slab.write(text, this.#at, 'latin1')
    this.#slabUsed += text.length
    return this.#slabUsed
  }

  #signal(kind: number): Signal {
    const to = this.#pid(this.#to)
    this.#to = to
    switch (kind) {
      case kinds.message:
        return { type: 'message', to, message: this.#body(), encoded: true }
      case kinds.cast:
        return { type: 'cast', to, name: this.#name(), args: this.#body(), encoded: true }
      case kinds.call: {
        const from = this.#sender()
        const ref = this.#u53()
        return { type: 'call', to, from, ref, name: this.#name(), args: this.#body(), encoded: true }
      }
      case kinds.reply: {
        const ref = this.#u53()
        return { type: 'reply', to, ref, result: { ok: true, value: this.#body(), encoded: true } }
      }
      case kinds.item: {
        const from = this.#sender()
        const seq = this.#u53()
        return { type: 'item', to, from, seq, item: this.#body() }
      }
      default:
        throw new Error(`Assertion failed: a thread sent a signal of kind ${kind}`)
    }
  }

  #name(): string {
    const index = this.#u16()
    const known = this.#names[index]
    if (known !== undefined) return known
    const length = this.#u8()
    const name = String.fromCharCode(...this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
    this.#names.push(name)
    return name
  }

  #body(): Uint8Array {
    const length = this.#u32()
    const body = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return body
  }

  #sender(): Pid {
    this.#from = this.#pid(this.#from)
    return this.#from
  }

  #pid(last: Pid): Pid {
    const thread = this.#u32()
    const serial = this.#u53()
    if (last.serial === serial && last.thread === thread) return last
    return { node: this.#home.node, life: this.#home.life, thread, serial }
  }

  #u8(): number {
    const value = this.#bytes[this.#at] as number
    this.#at += 1
    return value
  }

  #u16(): number {
    return this.#u8() * 256 + this.#u8()
  }

  #u32(): number {
    return this.#u16() * 65_536 + this.#u16()
  }

  #u53(): number {
    return this.#u32() * 2 ** 32 + this.#u32()
  }
}

function isShortAscii(text: string): boolean {
  if (text.length > nameCharsMax) return false
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
