import { TestingError } from '../platform/errors.ts'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** `500ms`, `30s`, `10m`, `1.5h`. Throws `ERR_BAD_OPTION`, which calls the setting `name`. */
export function parseDuration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim())
  const ms = match === null ? Number.NaN : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  if (!(ms > 0)) throw bad(name, text, 'a time such as 30s, 10m or 1h')
  return ms
}

/** A seed, decimal or as `0x…`. Throws `ERR_BAD_OPTION`. */
export function parseSeed(name: string, text: string): number {
  const seed = /^(?:\d+|0x[\da-f]+)$/i.test(text.trim()) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(seed)) throw bad(name, text, 'a whole number from 0')
  return seed
}

/** How many. Throws `ERR_BAD_OPTION`. */
export function parseCount(name: string, text: string): number {
  const count = /^[\d_]+$/.test(text.trim()) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (!Number.isSafeInteger(count) || count < 1) throw bad(name, text, 'a whole number from 1')
  return count
}

function bad(name: string, text: string, wanted: string): TestingError {
  return new TestingError('ERR_BAD_OPTION', `${name} is "${text}": it has to be ${wanted}`)
}
