/** Any value in one line, for people: a trace or a report, which nothing may fail for. */
export function printValue(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? ''
  } catch (error) {
    return error instanceof Error ? `<${error.message.split('\n')[0]}>` : '<not printable>'
  }
}
