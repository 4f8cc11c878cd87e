import type { Packr, Unpackr } from 'msgpackr'
import type { Codec } from './codec.ts'
import { CodecError } from './errors.ts'
import { checkBytes, type CodecLimits, defaultCodecLimits } from './limits.ts'
import { msgpackr } from './msgpackr.ts'
import { packable } from './packable.ts'
import { decodeShort, encodeShort, notShort, shortBytesMax } from './short-values.ts'
import { registerTagged } from './tagged.ts'
import { decodeArray, encodeArray, pointingInto, registerTypedArrays } from './typed-arrays.ts'

/**
 * The default codec: msgpack, by msgpackr, behind checks of our own on both sides.
 *
 * Carried faithfully: null, undefined (as a property and as an element, too), booleans, numbers (NaN, -0 and infinities),
 * strings (lone surrogates, too), bigints, dates (invalid ones, too), Map, Set, arrays, plain objects, ArrayBuffer,
 * typed arrays, URL, and errors by name, message, code, stack and up to 8 causes (they come back as `Error`).
 *
 * Carried, but not as they were: a null-prototype object comes back as a plain one, a `Buffer` as a `Uint8Array`; two
 * references to one object come back as two objects; properties that are symbols or not enumerable are left out, and so
 * are named properties on anything but plain objects and errors. `structuredClone` and JSON do much the same.
 *
 * A typed array of 1 MiB or more that is most of the bytes comes back as a view of them where they are given to `decode`, as those
 * of answers are: `byteOffset` may not be 0 then. Everything else is a copy.
 *
 * Refused with `ERR_NOT_ENCODABLE`: functions, symbols, instances of classes, promises and everything else; cycles; holes
 * of sparse arrays (an `undefined` element is fine); keys that are `__proto__` or not well-formed Unicode; getters and
 * proxies that throw; anything beyond `limits`. Typed arrays travel in the machine's byte order, taken to be little-endian.
 *
 * `onFour` is shown every plain object of four properties that is encoded.
 *
 * @example
 * const codec = msgpackCodec()
 * const bytes = codec.encode({ lines: new Map([['tea', 2n]]) }, 'order')
 * const order = codec.decode(bytes)
 */
export function msgpackCodec(limits: Partial<CodecLimits> = {}, onFour?: (plain: object) => void): Codec {
  const bounds: CodecLimits = { ...defaultCodecLimits, ...limits }
  let made: Engine | undefined
  const engine = (): Engine => (made ??= makeEngine())
  const areShortFine = bounds.bytesMax >= shortBytesMax
  let decodedCost = 0

  return {
    get decodedCost() {
      return decodedCost
    },

    encode(value, name = 'value') {
      const short = areShortFine ? encodeShort(value) : undefined
      if (short !== undefined) return short
      const carried = packable(value, name, bounds, onFour)
      const bytes = encodeArray(carried) ?? pack(engine().packr, carried, name)
      if (bytes.length <= bounds.bytesMax) return bytes
      const reason = `the value needs ${bytes.length} bytes, more than ${bounds.bytesMax}`
      throw new CodecError('ERR_NOT_ENCODABLE', `${name} can't be encoded: ${reason}`, { path: name })
    },

    decode(bytes, given = false) {
      const { length } = bytes
      decodedCost = 0
      if (areShortFine && length > 0 && length <= shortBytesMax) {
        const short = decodeShort(bytes)
        if (short !== notShort) return short
      }
      if (length <= bounds.bytesMax && bounds.objectsMax > 0) {
        const array = decodeArray(bytes)
        if (array !== undefined) return array
      }
      const { unpackr, scratch } = engine()
      // msgpackr attaches a DataView to what it reads and keeps it; small values are read from our own buffer, so that
      // it is made once and no array of a caller is touched. Nothing that is decoded points into these bytes, unless they were given.
      let source: Uint8Array = scratch
      if (length <= scratchBytes) scratch.set(bytes)
      else source = Buffer.from(bytes.buffer, bytes.byteOffset, length)
      decodedCost = checkBytes(source, length, bounds)
      return given && length > scratchBytes
        ? pointingInto(() => unpack(unpackr, source, length))
        : unpack(unpackr, source, length)
    },
  }
}

const scratchBytes = 4096

/** What packs and unpacks for one codec. Many threads never need one. */
interface Engine {
  readonly packr: Packr
  readonly unpackr: Unpackr
  readonly scratch: Buffer
}

function makeEngine(): Engine {
  const { Packr, Unpackr } = msgpackr()
  registerTagged()
  registerTypedArrays()
  // Variable map sizes allow more than 65,535 keys; toJSON methods are refused like any function, never called.
  const options = { useRecords: false, moreTypes: true, variableMapSize: true, useToJSON: false }
  return { packr: new Packr(options), unpackr: new Unpackr(options), scratch: Buffer.alloc(scratchBytes) }
}

// msgpackr keeps its buffer, as large as it ever grew; after a value as large as this it gets a fresh one.
const keptBytesMax = 256 * 1024

function pack(packr: Packr, value: unknown, name: string): Uint8Array {
  let target: Packed
  try {
    const { RESET_BUFFER_MODE, REUSE_BUFFER_MODE } = msgpackr()
    target = packr.pack(value, RESET_BUFFER_MODE | REUSE_BUFFER_MODE) as Packed
  } catch (error) {
    throw new CodecError('ERR_NOT_ENCODABLE', `${name} can't be encoded: ${String(error)}`, {
      cause: error,
      path: name,
    })
  }
  const length = target.end - target.start
  const packed = new Uint8Array(target.buffer, target.byteOffset + target.start, length)
  if (length > keptBytesMax) {
    packr.useBuffer(Buffer.allocUnsafeSlow(8192))
    // The buffer is nobody's now, so the value may stay where it is, unless that would keep much alive that it does not use.
    if (length * 2 > target.buffer.byteLength) return packed
  }
  // A copy: the next value is packed over this one.
  return new Uint8Array(packed)
}

/** All of msgpackr's buffer, and where in it the value is: it would cut it out at twice the price. */
type Packed = Buffer & { readonly start: number; readonly end: number }

function unpack(unpackr: Unpackr, source: Uint8Array, length: number): unknown {
  try {
    return unpackr.unpack(source, length) as unknown
  } catch (error) {
    if (error instanceof CodecError) throw error
    throw new CodecError('ERR_NOT_DECODABLE', `Bytes can't be decoded: ${String(error)}`, { cause: error })
  }
}
