/** One text for one value, telling apart everything that the codec promises to keep apart. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return showString(value)
  if (Array.isArray(value)) return `[${value.map(showValue).join(',')}]`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof URL) return `URL(${value.href})`
  if (value instanceof Map) return `Map(${[...value].map(([key, item]) => `${showValue(key)}=>${showValue(item)}`)})`
  if (value instanceof Set) return `Set(${[...value].map(showValue)})`
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${[...new Uint8Array(value)]})`
  if (ArrayBuffer.isView(value)) {
    const units = value as Uint8Array | BigInt64Array
    return `${Object.getPrototypeOf(value).constructor.name}(${Array.from(units as Uint8Array, (unit) => showValue(unit))})`
  }
  if (value instanceof Error) {
    const { name, message, stack, cause, code } = value as Error & { code?: unknown }
    return `Error(${[name, message, stack, cause, code].map(showValue)})`
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error('not a plain object')
  return `{${Object.entries(value).map(([key, item]) => `${showString(key)}:${showValue(item)}`)}}`
}

// JSON escapes lone surrogates, so that two different strings never print the same.
function showString(text: string): string {
  return JSON.stringify(text)
}
