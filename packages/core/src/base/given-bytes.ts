// Below this a copy is cheaper than a buffer that changes hands.
const givenBytesMin = 16 * 1024

const given = new WeakSet<Uint8Array>()

/**
 * Nobody on this thread uses these bytes any more, once they are on their way: another thread may have them without a copy, which
 * takes 64 MiB in a millisecond instead of some hundred. Nothing for small ones, and for a part of a larger buffer.
 */
export function giveAway(bytes: Uint8Array): void {
  if (bytes.byteLength >= givenBytesMin && bytes.byteLength === bytes.buffer.byteLength) given.add(bytes)
}

/** Whether they were given away. What another thread got is its own, and was not. */
export function isGivenAway(bytes: unknown): bytes is Uint8Array {
  return bytes instanceof Uint8Array && given.has(bytes)
}
