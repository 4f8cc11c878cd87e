import { pointedIntoBytesMin } from '../base/received-bytes.ts'
import { msgpackr } from './msgpackr.ts'
import { arrayBufferKind, typedArrayExtension, type TypedArrayKind, typedArrayKinds } from './typed-array-kinds.ts'

/** From here on copying an array stops the thread for longer than a turn should take: about a millisecond for each MiB. */
const largeBytesMin = pointedIntoBytesMin
/** A copy in memory of its own takes the system's allocator, which below this costs more than the copy. */
const ownMemoryBytesMin = 4 * 1024
/** Smaller ones are cut out of so much: Node's own pool is smaller, and slower for what it checks. */
const slabBytes = 32 * 1024

let mayPoint = false
let registered = false

/** Replaces msgpackr's own reader of typed arrays, once: it always copies. */
export function registerTypedArrays(): void {
  if (registered) return
  registered = true
  msgpackr().addExtension({ type: typedArrayExtension, unpack: readTypedArray })
}

/** Decodes; large arrays of the value may be views of the bytes. */
export function pointingInto<T>(decode: () => T): T {
  mayPoint = true
  try {
    return decode()
  } finally {
    mayPoint = false
  }
}

/**
 * A value that is nothing but one typed array, as msgpackr would write it, but copied once, and if it is large into memory of its
 * exact size. `undefined` for any other value.
 */
export function encodeArray(value: unknown): Uint8Array | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  const kind = typedArrayKinds.findIndex((one) => one.prototype === Object.getPrototypeOf(value))
  if (kind === -1) return undefined
  const { buffer, byteOffset, byteLength } = value
  const payload = byteLength + 1
  const head = payload < 0x100 ? 4 : payload < 0x10000 ? 5 : 7
  const bytes = byteLength < ownMemoryBytesMin ? fromSlab(head + byteLength) : unset(head + byteLength)
  if (head === 4) {
    bytes[0] = 0xc7
    bytes[1] = payload
  } else if (head === 5) {
    bytes[0] = 0xc8
    bytes[1] = payload >>> 8
    bytes[2] = payload
  } else {
    bytes[0] = 0xc9
    bytes[1] = payload >>> 24
    bytes[2] = payload >>> 16
    bytes[3] = payload >>> 8
    bytes[4] = payload
  }
  bytes[head - 2] = typedArrayExtension
  bytes[head - 1] = kind
  bytes.set(value instanceof Uint8Array ? value : new Uint8Array(buffer, byteOffset, byteLength), head)
  return bytes
}

let slab = new ArrayBuffer(0)
let slabUsed = 0

/** Bytes that nobody else is given. They keep alive their neighbours, at most 32 KiB. */
function fromSlab(length: number): Uint8Array {
  if (slabUsed + length > slab.byteLength) {
    slab = unset(slabBytes).buffer
    slabUsed = 0
  }
  const bytes = new Uint8Array(slab, slabUsed, length)
  slabUsed += length
  return bytes
}

/** Memory of its own that was not set to zero before. */
function unset(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

/** The reverse for one that is not large, without what msgpackr does around it. `undefined` for any other bytes. */
export function decodeArray(bytes: Uint8Array): ArrayBufferView | undefined {
  const head = bytes[0] === 0xc7 ? 4 : bytes[0] === 0xc8 ? 5 : bytes[0] === 0xc9 ? 7 : 0
  if (head === 0 || bytes.length < head || bytes.length >= largeBytesMin) return undefined
  const payload = bytes.length - head + 1
  let length = 0
  for (let index = 1; index < head - 2; index += 1) length = length * 0x100 + (bytes[index] as number)
  if (length !== payload || bytes[head - 2] !== typedArrayExtension) return undefined
  const Kind = typedArrayKinds[bytes[head - 1] as number]
  if (Kind === undefined || (payload - 1) % Kind.BYTES_PER_ELEMENT !== 0) return undefined
  const copy = copied(bytes, head)
  return Kind === Uint8Array ? copy : new Kind(copy.buffer)
}

/** The scan before has checked the kind and that the size fits it. */
function readTypedArray(data: Uint8Array): unknown {
  const kind = data[0] as number
  const { buffer, byteOffset, byteLength } = data
  const bytes = byteLength - 1
  if (kind === arrayBufferKind) return copied(data, 1).buffer
  const Kind = typedArrayKinds[kind] as TypedArrayKind
  const fits = (byteOffset + 1) % Kind.BYTES_PER_ELEMENT === 0
  // A view must not keep alive much that it does not show.
  if (mayPoint && bytes >= largeBytesMin && fits && bytes * 2 > buffer.byteLength && buffer instanceof ArrayBuffer) {
    return new Kind(buffer, byteOffset + 1, bytes / Kind.BYTES_PER_ELEMENT)
  }
  return new Kind(copied(data, 1).buffer)
}

/** In a buffer of its own, of exactly the size. A Buffer's own `slice` would be a view. */
function copied(data: Uint8Array, from: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(data.length - from)
  copy.set(new Uint8Array(data.buffer, data.byteOffset + from, data.length - from))
  return copy
}
