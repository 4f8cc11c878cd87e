import { CodecError } from './errors.ts'
import { arrayBufferKind, typedArrayExtension, typedArrayKinds } from './typed-array-kinds.ts'

/** What one encoded value may cost its reader. The same limits hold on both sides, so that what encodes also decodes. */
export interface CodecLimits {
  /** Length of the encoded value, in bytes. Default 256 MiB: what travels is bounded by the node's `bodyBytesMax`. */
  readonly bytesMax: number
  /**
   * How deep arrays, objects, maps and sets may nest. Default 64. A -0, a URL, a string that is not well-formed Unicode
   * and an Error count as a level too, and each `cause` of an Error as one more.
   */
  readonly depthMax: number
  /**
   * How many arrays, objects, maps, sets, dates, errors and byte arrays there may be in all. Default 262,144. It is
   * there because an empty one takes one byte to send and up to some hundred bytes of the reader's memory.
   */
  readonly objectsMax: number
  /**
   * How many values there may be in all: items of arrays, sets and the like, and a key and a value for each property or entry. Default
   * 4,194,304. Each takes up to 16 bytes of the reader's memory, and a small number takes one to send: many numbers are carried
   * better by a typed array, which counts as one object.
   */
  readonly valuesMax: number
}

/** The largest message, argument or result of a node that says nothing else, in bytes as encoded. */
export const bodyBytesMaxDefault: number = 64 * 1024 * 1024

export const defaultCodecLimits: CodecLimits = {
  bytesMax: 256 * 1024 * 1024,
  depthMax: 64,
  objectsMax: 262_144,
  valuesMax: 4_194_304,
}

// What a decoded value is taken to need, in bytes, beside its text and binary parts, which take what they took on the way. Measured on Node 20: {} 64,
// [] 40; Map, Set and typed arrays 160 to 192, Date 104, URL 248; a number of an array 8, a short text 32. Keys that no
// other object has make it up to 2.5 times as much.
// What counting it adds to the walk over the headers, measured alone: 38 ns for a list of 1,000 numbers, which takes 17.9 µs to decode, 19 ns of
// 4.3 µs for an order of ten lines, and nothing that could be seen for less.
const objectCost = 64
const richCost = 192
const valueCost = 16

/** The extension type under which this codec carries what msgpackr would not keep apart: see tagged.ts. */
export const taggedExtension = 0x53

/**
 * Walks the first `length` of `bytes`, reading headers only and allocating nothing but its cursor, and throws `ERR_NOT_DECODABLE` unless they are
 * exactly one value within `limits`, made of what our encoder writes. msgpackr must not see anything else: its reader
 * recurses without a bound, and knows forms (records, references, string bundles) that only a trusted peer may use. Gives
 * what the value is taken to need when it is decoded, beside its bytes.
 *
 * Not checked here: text that is not UTF-8, whose bad parts are read as U+FFFD.
 */
export function checkBytes(bytes: Uint8Array, length: number, limits: CodecLimits): number {
  if (length > limits.bytesMax) refuse(`${length} bytes are more than the limit of ${limits.bytesMax}`)
  const { objectsMax, valuesMax } = limits
  const scan: Scan = { bytes, end: length, position: 0, objectsLeft: objectsMax, valuesLeft: valuesMax, rich: 0 }
  skipItems(scan, 1, false, limits.depthMax)
  if (scan.position !== length) refuse(`the value ends at byte ${scan.position} of ${length}`)
  const { objectsLeft, valuesLeft, rich } = scan
  return (objectsMax - objectsLeft) * objectCost + rich * (richCost - objectCost) + (valuesMax - valuesLeft) * valueCost
}

interface Scan {
  readonly bytes: Uint8Array
  readonly end: number
  position: number
  objectsLeft: number
  valuesLeft: number
  /** Those of the objects that are no arrays and no plain objects. */
  rich: number
}

// The depth limit bounds the recursion, and the bytes left bound the loop: every item takes at least one.
function skipItems(scan: Scan, count: number, isMap: boolean, depthLeft: number): void {
  for (let index = 0; index < count; index += 1) {
    if (isMap) skipKey(scan)
    const token = needByte(scan)
    if (token < 0x80 || token >= 0xe0) continue
    if (token < 0x90) skipContainer(scan, token & 0x0f, true, depthLeft)
    else if (token < 0xa0) skipContainer(scan, token & 0x0f, false, depthLeft)
    else if (token < 0xc0) skipBytes(scan, token & 0x1f)
    else {
      switch (token) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          break
        case 0xcc:
        case 0xd0:
          skipBytes(scan, 1)
          break
        case 0xcd:
        case 0xd1:
          skipBytes(scan, 2)
          break
        case 0xca:
        case 0xce:
        case 0xd2:
          skipBytes(scan, 4)
          break
        case 0xcb:
        case 0xcf:
        case 0xd3:
          skipBytes(scan, 8)
          break
        case 0xd9:
          skipBytes(scan, needByte(scan))
          break
        case 0xda:
          skipBytes(scan, needUint16(scan))
          break
        case 0xdb:
          skipBytes(scan, needUint32(scan))
          break
        case 0xdc:
          skipContainer(scan, needUint16(scan), false, depthLeft)
          break
        case 0xdd:
          skipContainer(scan, needUint32(scan), false, depthLeft)
          break
        case 0xde:
          skipContainer(scan, needUint16(scan), true, depthLeft)
          break
        case 0xdf:
          skipContainer(scan, needUint32(scan), true, depthLeft)
          break
        case 0xd4:
          skipShortExtension(scan, depthLeft)
          break
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
          skipExtension(scan, 1 << (token - 0xd4))
          break
        case 0xc7:
          skipExtension(scan, needByte(scan))
          break
        case 0xc8:
          skipExtension(scan, needUint16(scan))
          break
        case 0xc9:
          skipExtension(scan, needUint32(scan))
          break
        default:
          // 0xc1, which msgpack never uses, and the bin family, for which our encoder uses a typed array.
          refuse(`unexpected byte 0x${token.toString(16)} at ${scan.position - 1}`)
      }
    }
  }
}

function skipContainer(scan: Scan, count: number, isMap: boolean, depthLeft: number): void {
  if (depthLeft === 0) refuse('it nests too deep')
  takeObject(scan)
  scan.valuesLeft -= isMap ? 2 * count : count
  if (scan.valuesLeft < 0) refuse('it has too many values')
  if (count > (scan.end - scan.position) / (isMap ? 2 : 1)) refuse(`it announces ${count} items and ends before`)
  skipItems(scan, count, isMap, depthLeft - 1)
}

const protoKey = [0x5f, 0x5f, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x5f, 0x5f] // __proto__

function skipKey(scan: Scan): void {
  const token = needByte(scan)
  let length: number
  if (token >= 0xa0 && token < 0xc0) length = token & 0x1f
  else if (token === 0xd9) length = needByte(scan)
  else if (token === 0xda) length = needUint16(scan)
  else if (token === 0xdb) length = needUint32(scan)
  else refuse('a key is not a string')
  const start = scan.position
  skipBytes(scan, length)
  if (length !== protoKey.length) return
  for (let index = 0; index < length; index += 1) if (scan.bytes[start + index] !== protoKey[index]) return
  refuse('a key is __proto__')
}

// One byte of data, or none and a marker for the array that follows.
function skipShortExtension(scan: Scan, depthLeft: number): void {
  const type = needByte(scan)
  skipBytes(scan, 1)
  switch (type) {
    case 0x00: // undefined
      return
    case 0x73: // a set
    case taggedExtension: {
      scan.rich += 1
      const token = needByte(scan)
      if (token >= 0x90 && token < 0xa0) return skipContainer(scan, token & 0x0f, false, depthLeft)
      if (token === 0xdc) return skipContainer(scan, needUint16(scan), false, depthLeft)
      if (token === 0xdd) return skipContainer(scan, needUint32(scan), false, depthLeft)
      refuse('an extension without its array')
    }
    case 0x42: // a bigint
    case 0xff: // an invalid date
      scan.rich += 1
      return takeObject(scan)
  }
  refuse(`unknown extension type ${type}`)
}

function skipExtension(scan: Scan, length: number): void {
  const type = needByte(scan)
  const start = scan.position
  skipBytes(scan, length)
  takeObject(scan)
  scan.rich += 1
  switch (type) {
    case 0x42: // a bigint
      if (length === 0) refuse('an empty bigint')
      return
    case typedArrayExtension:
      checkTypedArray(scan.bytes[start], length)
      return
    case 0xff: // a date
      if (length !== 4 && length !== 8 && length !== 12) refuse(`a date of ${length} bytes`)
      return
    default:
      refuse(`unknown extension type ${type}`)
  }
}

function checkTypedArray(kind: number | undefined, length: number): void {
  if (length === 0 || kind === undefined) refuse('a typed array without its kind')
  if (kind === arrayBufferKind) return
  const size = typedArrayKinds[kind]?.BYTES_PER_ELEMENT
  if (size === undefined) refuse(`unknown kind ${kind} of typed array`)
  if ((length - 1) % size !== 0) refuse('a typed array that ends within an element')
}

function takeObject(scan: Scan): void {
  scan.objectsLeft -= 1
  if (scan.objectsLeft < 0) refuse('it has too many arrays, objects and the like')
}

function skipBytes(scan: Scan, count: number): void {
  if (count > scan.end - scan.position) refuse('it ends within a value')
  scan.position += count
}

function needByte(scan: Scan): number {
  if (scan.position >= scan.end) refuse('it ends within a value')
  const byte = scan.bytes[scan.position] as number
  scan.position += 1
  return byte
}

function needUint16(scan: Scan): number {
  return needByte(scan) * 0x100 + needByte(scan)
}

function needUint32(scan: Scan): number {
  return needUint16(scan) * 0x10000 + needUint16(scan)
}

function refuse(what: string): never {
  throw new CodecError('ERR_NOT_DECODABLE', `Bytes can't be decoded: ${what}`)
}
