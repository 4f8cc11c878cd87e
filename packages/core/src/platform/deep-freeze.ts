/** What was frozen here with all that it holds: a message that is passed on costs one look, and a cycle ends. */
const done = new WeakSet<object>()

/**
 * Freezes plain data, to every depth, and gives it back: objects and arrays, and what Maps and Sets hold. It leaves alone
 * what is not data, or can't be frozen: functions, instances of classes (a Date, an Error, a connection), Maps and Sets
 * themselves, buffers and views of them; nor does it read a getter.
 *
 * @example
 * const message = deepFreeze({ order: { lines: [1, 2] } })
 * message.order.lines.push(3) // throws a TypeError
 */
export function deepFreeze<T>(value: T): T {
  // A list instead of recursion: data may be deeper than the stack.
  const waiting: unknown[] = [value]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next !== 'object' || next === null || done.has(next)) continue
    done.add(next)
    if (next instanceof Map) for (const [key, held] of next) waiting.push(key, held)
    else if (next instanceof Set) for (const held of next) waiting.push(held)
    else if (Array.isArray(next)) {
      if (!isPlain(next, 2) || !isFrozenNow(next)) continue
      for (const item of next) waiting.push(item)
    } else if (isPlain(next, 1) && isFrozenNow(next)) {
      for (const key of Reflect.ownKeys(next)) waiting.push(Object.getOwnPropertyDescriptor(next, key)?.value)
    }
  }
  return value
}

/** Whether it is made by a literal: no class stands between it and the last prototype, of whatever realm. */
function isPlain(value: object, prototypes: number): boolean {
  let above: object | null = value
  for (let left = prototypes; left > 0 && above !== null; left -= 1)
    above = Object.getPrototypeOf(above) as object | null
  return above === null || Object.getPrototypeOf(above) === null
}

function isFrozenNow(value: object): boolean {
  try {
    Object.freeze(value)
    return true
  } catch {
    // An exotic object that refuses, as process.env does: it stays as it is, like an instance of a class.
    return false
  }
}
