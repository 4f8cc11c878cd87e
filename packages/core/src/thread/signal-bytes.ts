import type { NodeId, Pid } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'

// Structured clone takes about a microsecond for a signal with its Pids, on each side; bytes take a tenth of that. Only
// what is sent often is packed: bodies to actors of the same node. Everything else is cloned.

const kinds = { read: 0, message: 1, cast: 2, call: 3, reply: 4 } as const

/** A larger body is cloned by itself: it would be copied once more here. */
const bodyBytesMax = 16 * 1024
/** The names of calls and casts that one channel abbreviates; signals of later names are cloned. */
const namesMax = 4_096
const nameCharsMax = 255
/** kind, thread, serial, thread, serial, ref, name's index, name's length, body's length */
const headBytesMax = 1 + 4 + 8 + 4 + 8 + 8 + 2 + 1 + 4
const firstBytes = 1_024
/** A buffer that grew beyond this is not kept. */
const keptBytesMax = 256 * 1024

export interface Home {
  readonly node: NodeId
  readonly life: number
}

/** Packs signals for a thread of the same node. What {@link SignalReader} of the other side needs to know, it learns in order. */
export class SignalWriter {
  readonly #home: Home
  readonly #names = new Map<string, number>()
  #bytes = new Uint8Array(firstBytes)
  #view = new DataView(this.#bytes.buffer)
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
      case 'message':
        return this.#addBody(kinds.message, signal.to, undefined, 0, undefined, signal.message, signal.encoded)
      case 'cast':
        return this.#addBody(kinds.cast, signal.to, undefined, 0, signal.name, signal.args, signal.encoded)
      case 'call':
        // One with a trace is cloned whole: tracing costs more than that.
        if (signal.trace !== undefined) return false
        return this.#addBody(kinds.call, signal.to, signal.from, signal.ref, signal.name, signal.args, signal.encoded)
      case 'reply': {
        const { result, via, served } = signal
        if (!result.ok || result.token !== undefined || via !== undefined || served !== undefined) return false
        return this.#addBody(kinds.reply, signal.to, undefined, signal.ref, undefined, result.value, result.encoded)
      }
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
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
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
    if (kind === kinds.call || kind === kinds.reply) this.#f64(ref)
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
    this.#f64(pid.serial)
  }

  #u8(value: number): void {
    this.#bytes[this.#length] = value
    this.#length += 1
  }

  #u16(value: number): void {
    this.#view.setUint16(this.#length, value)
    this.#length += 2
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#length, value)
    this.#length += 4
  }

  #f64(value: number): void {
    this.#view.setFloat64(this.#length, value)
    this.#length += 8
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const before = this.#bytes.subarray(0, this.#length)
    this.#replace(Math.max(this.#bytes.length * 2, this.#length + more))
    this.#bytes.set(before)
  }

  #replace(bytes: number): void {
    this.#bytes = new Uint8Array(bytes)
    this.#view = new DataView(this.#bytes.buffer)
  }
}

/** Reads what one {@link SignalWriter} wrote, all of it and in order. */
export class SignalReader {
  readonly #home: Home
  readonly #names: string[] = []
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#bytes.buffer)
  #at = 0

  constructor(home: Home) {
    this.#home = home
  }

  read(bytes: Uint8Array, onSignal: (signal: Signal) => void, onRead: (count: number) => void): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#at = 0
    while (this.#at < bytes.length) {
      const kind = this.#u8()
      if (kind === kinds.read) onRead(this.#u32())
      else onSignal(this.#signal(kind))
    }
  }

  #signal(kind: number): Signal {
    const to = this.#pid()
    switch (kind) {
      case kinds.message:
        return { type: 'message', to, message: this.#body(), encoded: true }
      case kinds.cast:
        return { type: 'cast', to, name: this.#name(), args: this.#body(), encoded: true }
      case kinds.call: {
        const from = this.#pid()
        const ref = this.#f64()
        return { type: 'call', to, from, ref, name: this.#name(), args: this.#body(), encoded: true }
      }
      case kinds.reply: {
        const ref = this.#f64()
        return { type: 'reply', to, ref, result: { ok: true, value: this.#body(), encoded: true } }
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

  #pid(): Pid {
    const thread = this.#u32()
    return { node: this.#home.node, life: this.#home.life, thread, serial: this.#f64() }
  }

  #u8(): number {
    const value = this.#bytes[this.#at] as number
    this.#at += 1
    return value
  }

  #u16(): number {
    const value = this.#view.getUint16(this.#at)
    this.#at += 2
    return value
  }

  #u32(): number {
    const value = this.#view.getUint32(this.#at)
    this.#at += 4
    return value
  }

  #f64(): number {
    const value = this.#view.getFloat64(this.#at)
    this.#at += 8
    return value
  }
}

function isShortAscii(text: string): boolean {
  if (text.length > nameCharsMax) return false
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
