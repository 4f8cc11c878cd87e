// Below this a copy is cheaper than a buffer that changes hands.
const givenBytesMin = 16 * 1024

const given = new WeakSet<ArrayBufferLike>()

/**
 * Nobody on this thread uses these bytes any more, once they, or a part of them, are on their way: another thread may have them
 * without a copy, which takes 64 MiB in a millisecond instead of some hundred. Nothing for small ones, and for a part of a larger
 * buffer.
 */
export function giveAway(bytes: Uint8Array): void {
  if (bytes.byteLength >= givenBytesMin && bytes.byteLength === bytes.buffer.byteLength) given.add(bytes.buffer)
}

/** Whether they, or what they are a part of, were given away. What another thread got is its own, and was not. */
export function isGivenAway(bytes: Uint8Array): boolean {
  return given.has(bytes.buffer)
}

/**
 * These bytes, to be cloned: in a buffer of their own, as a clone of a part of one is a clone of the whole. The copy is given
 * away; what was given away before stays where it is.
 */
export function cutOut(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === bytes.buffer.byteLength || isGivenAway(bytes)) return bytes
  const own = Uint8Array.prototype.slice.call(bytes)
  giveAway(own)
  return own
}
