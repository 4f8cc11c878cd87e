/** Throws when `condition` is false. For bugs in Skerry or in the caller's program, never for operating conditions. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`)
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`Assertion failed: unreachable value ${String(value)}`)
}
