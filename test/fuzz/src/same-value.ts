/** Whether two decoded values mean the same: unlike Node's own comparison, an invalid date is like another, and nothing else is. */
export function isSameValue(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false
  if (left instanceof Date) return Object.is(left.getTime(), (right as Date).getTime())
  if (left instanceof URL) return left.href === (right as URL).href
  if (left instanceof ArrayBuffer) return isSameBytes(new Uint8Array(left), new Uint8Array(right as ArrayBuffer))
  if (ArrayBuffer.isView(left)) return isSameBytes(bytesOf(left), bytesOf(right as ArrayBufferView))
  if (left instanceof Map) return isSameList([...left].flat(), [...(right as Map<unknown, unknown>)].flat())
  if (left instanceof Set) return isSameList([...left], [...(right as Set<unknown>)])
  // Those of an error are not enumerable; the order of keys is none of a value's.
  const keys = Object.getOwnPropertyNames(left)
  if (keys.length !== Object.getOwnPropertyNames(right).length) return false
  return keys.every(
    (key) => Object.hasOwn(right, key) && isSameValue(left[key as keyof typeof left], right[key as keyof typeof right]),
  )
}

function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

function isSameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => isSameValue(item, right[index]))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
