// Names, ids, flags and small numbers are what many calls take and give. msgpackr needs half a microsecond to get going; these bytes
// are the same as its own.

/** Arrays of at most so many bytes are made where objects are, and cost a tenth of others. */
export const shortBytesMax = 64
const textCharsMax = shortBytesMax - 2
/** Longer text is read faster by the system. */
const readCharsMax = 24

const fixstrCharsMax = 31

/** What is never more than a few words, and what nobody can change: it need not be bytes before it leaves the thread. */
export type ShortValue = string | number | boolean | null | undefined

/** At most so many bytes are those of a short value, as encoded. */
export const shortValueBytesMax = 256

export function isShortValue(value: unknown): value is ShortValue {
  switch (typeof value) {
    case 'string':
      return value.length <= textCharsMax
    case 'number':
    case 'boolean':
    case 'undefined':
      return true
    default:
      return value === null
  }
}

/** Whether {@link writeShort} writes it: what is read there is equal to it, whoever encoded it. */
export function isWrittenShort(value: unknown): value is ShortValue {
  switch (typeof value) {
    case 'string':
      return value.length <= textCharsMax && isAscii(value)
    case 'number':
      return Number.isInteger(value) && value >= -32 && value < 128 && !Object.is(value, -0)
    case 'boolean':
      return true
    default:
      return value === null
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) >= 0x80) return false
  return true
}

/**
 * Writes the bytes that {@link encodeShort} would give into `bytes` from `at` on, where there is room for `shortBytesMax` of them, and gives
 * their number; 0 for any other value.
 */
export function writeShort(value: unknown, bytes: Uint8Array, at: number): number {
  switch (typeof value) {
    case 'string':
      return value.length <= textCharsMax ? writeAscii(value, bytes, at) : 0
    case 'number':
      if (!Number.isInteger(value) || value < -32 || value >= 128 || Object.is(value, -0)) return 0
      bytes[at] = value
      return 1
    case 'boolean':
      bytes[at] = value ? 0xc3 : 0xc2
      return 1
    default:
      if (value !== null) return 0
      bytes[at] = 0xc0
      return 1
  }
}

function writeAscii(text: string, bytes: Uint8Array, at: number): number {
  const { length } = text
  const head = length <= fixstrCharsMax ? 1 : 2
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index)
    if (code >= 0x80) return 0
    bytes[at + head + index] = code
  }
  if (head === 1) bytes[at] = 0xa0 | length
  else {
    bytes[at] = 0xd9
    bytes[at + 1] = length
  }
  return head + length
}

/** A short text of ASCII, a whole number from -32 to 127, a boolean or null; `undefined` for any other value. */
export function encodeShort(value: unknown): Uint8Array | undefined {
  switch (typeof value) {
    case 'string':
      return value.length <= textCharsMax ? encodeAscii(value) : undefined
    case 'number':
      return Number.isInteger(value) && value >= -32 && value < 128 && !Object.is(value, -0)
        ? oneByte(value)
        : undefined
    case 'boolean':
      return oneByte(value ? 0xc3 : 0xc2)
    default:
      return value === null ? oneByte(0xc0) : undefined
  }
}

function oneByte(value: number): Uint8Array {
  const bytes = new Uint8Array(1)
  bytes[0] = value
  return bytes
}

function encodeAscii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array((text.length <= fixstrCharsMax ? 1 : 2) + text.length)
  return writeAscii(text, bytes, 0) === 0 ? undefined : bytes
}

/** What {@link decodeShort} gives for bytes that are none of those values. */
export const notShort: unique symbol = Symbol('not short')

/** The reverse, if the bytes from `at` to `end` are all of one such value. */
export function decodeShort(bytes: Uint8Array, at = 0, end: number = bytes.length): unknown {
  const first = bytes[at] as number
  const length = end - at
  if (length === 1) return decodeByte(first)
  if ((first & 0xe0) !== 0xa0 || length !== (first & 0x1f) + 1 || length > readCharsMax) return notShort
  return asciiText(bytes, at + 1, end) ?? notShort
}

/**
 * The text of these bytes, which are there; `undefined` if they are not all ASCII. Up to eight characters are made at once: one by one
 * each would be a text of its own, and twice as dear.
 */
export function asciiText(bytes: Uint8Array, from: number, end: number): string | undefined {
  let text = ''
  let at = from
  for (; end - at > 8; at += 8) {
    const eight = fewChars(bytes, at, 8)
    if (eight === undefined) return undefined
    text += eight
  }
  const rest = fewChars(bytes, at, end - at)
  return rest === undefined ? undefined : text + rest
}

const ascii = String.fromCharCode

function fewChars(bytes: Uint8Array, at: number, count: number): string | undefined {
  if (count === 0) return ''
  const a = bytes[at] as number
  if (count === 1) return a < 0x80 ? ascii(a) : undefined
  const b = bytes[at + 1] as number
  if (count === 2) return (a | b) < 0x80 ? ascii(a, b) : undefined
  const c = bytes[at + 2] as number
  if (count === 3) return (a | b | c) < 0x80 ? ascii(a, b, c) : undefined
  const d = bytes[at + 3] as number
  if ((a | b | c | d) >= 0x80) return undefined
  if (count === 4) return ascii(a, b, c, d)
  const e = bytes[at + 4] as number
  if (count === 5) return e < 0x80 ? ascii(a, b, c, d, e) : undefined
  const f = bytes[at + 5] as number
  if (count === 6) return (e | f) < 0x80 ? ascii(a, b, c, d, e, f) : undefined
  const g = bytes[at + 6] as number
  if (count === 7) return (e | f | g) < 0x80 ? ascii(a, b, c, d, e, f, g) : undefined
  const h = bytes[at + 7] as number
  return (e | f | g | h) < 0x80 ? ascii(a, b, c, d, e, f, g, h) : undefined
}

function decodeByte(byte: number): unknown {
  if (byte < 0x80) return byte
  if (byte >= 0xe0) return byte - 0x100
  switch (byte) {
    case 0xa0:
      return ''
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    default:
      return notShort
  }
}
