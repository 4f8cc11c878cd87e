import type { Draw } from './draw.ts'

/** A decoder of what others send, and what must hold of it for every input. */
export interface Target {
  readonly name: string
  /** Encodings that are real. */
  readonly seeds: () => Iterable<Uint8Array>
  /** Another one, or nearly one, by the rules of the format: what changes of bytes alone seldom meet. */
  readonly generate: (draw: Draw) => Uint8Array
  /** Decodes, and checks. Whatever it throws is a finding. */
  readonly run: (input: Uint8Array) => void | Promise<void>
  /** What a decoder may take for one byte of input, in bytes of memory. Default 1,024. */
  readonly memoryPerByte?: number
}

/** What `decode` gives, or `undefined` where it refuses the input with one of these codes. All else that it throws goes on. */
export function unlessRefused<T>(codes: readonly string[], decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof Error && 'code' in error && codes.includes(error.code as string)) return undefined
    throw error
  }
}

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`does not hold: ${what}`)
}

const ordinary: readonly (object | null)[] = [
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  Error.prototype,
  URL.prototype,
  ArrayBuffer.prototype,
]

/** A decoded value is made of ordinary objects, and none of its own keys changes what it is. */
export function checkOrdinary(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const prototype = Object.getPrototypeOf(value) as object | null
  check(ArrayBuffer.isView(value) || ordinary.includes(prototype), 'a decoded object has an ordinary prototype')
  if (ArrayBuffer.isView(value)) return
  check(!Object.hasOwn(value, '__proto__'), 'no decoded key is __proto__')
  if (value instanceof Map) for (const entry of value) entry.forEach(checkOrdinary)
  else if (value instanceof Set) for (const item of value) checkOrdinary(item)
  else if (value instanceof Error) checkOrdinary(value.cause)
  else for (const item of Object.values(value)) checkOrdinary(item)
}
