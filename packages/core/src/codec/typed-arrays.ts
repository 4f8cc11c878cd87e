import { msgpackr } from './msgpackr.ts'

/** How msgpackr marks a typed array or an array buffer. Behind it stands the kind, and then the bytes. */
const typedArrayExtension = 0x74
const arrayBufferKind = 16

// By msgpackr's numbers of kinds.
const kinds = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** From here on copying an array stops the thread for longer than a turn should take: about a millisecond for each MiB. */
const largeBytesMin = 1024 * 1024
const headerBytes = 7

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
 * A value that is nothing but one large typed array, as msgpackr would write it, but copied once into memory of its exact
 * size. `undefined` for any other value.
 */
export function encodeLargeArray(value: unknown): Uint8Array | undefined {
  if (!ArrayBuffer.isView(value) || value.byteLength < largeBytesMin) return undefined
  const kind = kinds.findIndex((one) => one.prototype === Object.getPrototypeOf(value))
  if (kind === -1) return undefined
  const { buffer, byteOffset, byteLength } = value
  // Not from the pool, and not set to zero before.
  const bytes = Buffer.allocUnsafeSlow(headerBytes + byteLength)
  bytes[0] = 0xc9
  bytes.writeUInt32BE(byteLength + 1, 1)
  bytes[5] = typedArrayExtension
  bytes[6] = kind
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), headerBytes)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The scan before has checked the kind and that the size fits it. */
function readTypedArray(data: Uint8Array): unknown {
  const kind = data[0] as number
  const { buffer, byteOffset, byteLength } = data
  const bytes = byteLength - 1
  if (kind === arrayBufferKind) return copied(data)
  const Kind = kinds[kind] as Uint8ArrayConstructor
  const fits = (byteOffset + 1) % Kind.BYTES_PER_ELEMENT === 0
  // A view must not keep alive much that it does not show.
  if (mayPoint && bytes >= largeBytesMin && fits && bytes * 2 > buffer.byteLength && buffer instanceof ArrayBuffer) {
    return new Kind(buffer, byteOffset + 1, bytes / Kind.BYTES_PER_ELEMENT)
  }
  return new Kind(copied(data))
}

/** A buffer of its own, of exactly the size. A Buffer's own `slice` would be a view. */
function copied(data: Uint8Array): ArrayBuffer {
  return Uint8Array.prototype.slice.call(data, 1).buffer
}
