// Names, ids, flags and small numbers are what many calls take and give. msgpackr needs half a microsecond to get going; these bytes
// are the same as its own.

// Arrays of at most so many bytes are made where objects are, and cost a tenth of others.
const bytesMax = 64
const textCharsMax = bytesMax - 2
/** Longer text is read faster by the system. */
const readCharsMax = 24

const fixstrCharsMax = 31

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
  const { length } = text
  const head = length <= fixstrCharsMax ? 1 : 2
  const bytes = new Uint8Array(head + length)
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index)
    if (code >= 0x80) return undefined
    bytes[head + index] = code
  }
  if (head === 1) bytes[0] = 0xa0 | length
  else {
    bytes[0] = 0xd9
    bytes[1] = length
  }
  return bytes
}

/** What {@link decodeShort} gives for bytes that are none of those values. */
export const notShort: unique symbol = Symbol('not short')

/** The reverse, if the bytes are all of one such value. */
export function decodeShort(bytes: Uint8Array): unknown {
  const first = bytes[0] as number
  const { length } = bytes
  if (length === 1) return decodeByte(first)
  if ((first & 0xe0) !== 0xa0 || length !== (first & 0x1f) + 1 || length > readCharsMax) return notShort
  let text = ''
  for (let index = 1; index < length; index += 1) {
    const code = bytes[index] as number
    if (code >= 0x80) return notShort
    text += String.fromCharCode(code)
  }
  return text
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
