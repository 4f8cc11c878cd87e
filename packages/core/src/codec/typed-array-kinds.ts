/** A class of typed arrays. */
export interface TypedArrayKind {
  readonly prototype: ArrayBufferView
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): ArrayBufferView
}

/** The typed arrays that can be carried, at msgpackr's numbers of kinds. */
export const typedArrayKinds: readonly TypedArrayKind[] = [
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

/** The kind of an array buffer, which stands at the same place. */
export const arrayBufferKind = 16

/** How msgpackr marks a typed array or an array buffer. Behind it stands the kind, and then the bytes. */
export const typedArrayExtension = 0x74
