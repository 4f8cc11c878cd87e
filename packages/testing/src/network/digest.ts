const wholeBytesMax = 256
const edgeBytes = 128

/**
 * 32 bits that sum up a frame, after the pattern of FNV-1a: all of its bytes up to 256, beyond that the first and the
 * last 128 and its length. For the trace hash; two frames may share it.
 */
export function digestOf(bytes: Uint8Array): number {
  const { length } = bytes
  if (length <= wholeBytesMax) return mixed(0x811c9dc5 ^ length, bytes, 0, length)
  return mixed(mixed(0x811c9dc5 ^ length, bytes, 0, edgeBytes), bytes, length - edgeBytes, length)
}

const signatureWords = 4

/** Binds bytes to an author inside one simulation. Anybody can make it: it proves nothing, and costs next to nothing. */
export function signatureOf(author: string, bytes: Uint8Array): Uint8Array {
  const signature = new Uint8Array(signatureWords * 4)
  let word = 0x9e3779b9 ^ author.length
  for (let index = 0; index < author.length; index += 1) word = Math.imul(word ^ author.charCodeAt(index), 0x01000193)
  word = mixed(word ^ bytes.length, bytes, 0, bytes.length)
  for (let index = 0; index < signature.length; index += 1) {
    word = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d) + index
    signature[index] = word >>> 24
  }
  return signature
}

function mixed(start: number, bytes: Uint8Array, from: number, to: number): number {
  let word = start
  for (let index = from; index < to; index += 1) word = Math.imul(word ^ (bytes[index] as number), 0x01000193)
  return word
}
